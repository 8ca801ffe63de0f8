//! What a user may write in each column of the tables.

/// The values that a column takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A whole number from `min` to `max`.
    Whole {
        min: u64,
        max: u64,
    },
    /// A finite number above 0, or from 0 if `zero`.
    Number {
        zero: bool,
    },
    /// `true` or `false` in a user's file; the CSV tables have words of their own.
    Flag {
        yes: &'static str,
        no: &'static str,
    },
    /// One of a few words.
    Word(&'static [&'static str]),
    /// A list of whole numbers.
    Numbers,
    /// A list of texts.
    Texts,
}

/// What separates the texts of a list in its cell.
pub(super) const LIST: char = ';';

/// A column and what it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

const fn whole(min: u64) -> Kind {
    let max = u32::MAX as u64;
    Kind::Whole { min, max }
}

const POSITIVE: Kind = Kind::Number { zero: false };
const NOT_NEGATIVE: Kind = Kind::Number { zero: true };
const YES_NO: Kind = Kind::Flag {
    yes: "yes",
    no: "no",
};
/// Frame buffers up to 2⁴⁰ MiB, so that sums of them stay far from the end of the range.
const MEBIBYTES: Kind = Kind::Whole {
    min: 1,
    max: 1 << 40,
};

/// Columns of `gpus.csv` that a user can set, and `names`: what programs call the board.
pub(super) const GPU: &[Column] = &[
    column("name", Kind::Text),
    column("names", Kind::Texts),
    column("architecture", Kind::Text),
    column("chip", Kind::Text),
    column("pci_device_id", Kind::Text),
    column("compute_capability", Kind::Text),
    column("gpus_per_board", whole(1)),
    column("sm_count", whole(1)),
    column("gpc_count", whole(1)),
    column("memory_gib", POSITIVE),
    column("visible_memory_mib", whole(1)),
    column("memory_bandwidth_gb_s", POSITIVE),
    column("l2_mib", POSITIVE),
    column("boost_clock_mhz", whole(1)),
    column("fp32_tflops", POSITIVE),
    column("fp16_tensor_tflops_dense", POSITIVE),
    column("copy_engines", whole(0)),
    column("nvdec", whole(0)),
    column("nvenc", whole(0)),
    column("nvjpg", whole(0)),
    column("ofa", whole(0)),
    column("pcie_gen", whole(1)),
    column("pcie_lanes", whole(1)),
    column("nvlink_gb_s", NOT_NEGATIVE),
    column("tdp_w", POSITIVE),
    column("mig_capable", YES_NO),
    column("mig_max_instances", whole(0)),
    column("vgpu_capable", YES_NO),
    column("max_vfs", whole(0)),
    column("source", Kind::Text),
    column("notes", Kind::Text),
];

/// Columns of `vgpu_types.csv` that a user can set.
pub(super) const VGPU_TYPE: &[Column] = &[
    column("series", Kind::Word(&["Q", "B", "A", "C"])),
    column("vgpu_type_id", whole(1)),
    column(
        "mode",
        Kind::Word(&["time_sliced", "mig_backed", "mig_time_sliced"]),
    ),
    column("frame_buffer_mib", MEBIBYTES),
    column("guest_visible_fb_mib", MEBIBYTES),
    column("max_per_gpu", whole(1)),
    column("max_per_gpu_mixed_size", whole(0)),
    column("max_per_gi", whole(1)),
    column("placement_region_gb", whole(1)),
    column("placement_size_gb", whole(1)),
    column("placement_ids_equal_size", Kind::Numbers),
    column("placement_ids_mixed_size", Kind::Numbers),
    column("max_displays", whole(1)),
    column("max_resolution", Kind::Text),
    column("max_total_pixels", whole(1)),
    column("frame_rate_limit_fps", whole(1)),
    column("cuda", Kind::Flag { yes: "1", no: "0" }),
    column("mig_profile", Kind::Text),
    column("gi_slices", whole(1)),
    column("ci_per_vgpu", whole(1)),
    column("licence_edition", Kind::Text),
    column("notes", Kind::Text),
    column("source", Kind::Text),
];

impl Kind {
    /// What a user may write, for messages.
    pub(super) fn expected(self) -> String {
        match self {
            Kind::Text => "text in quotes".to_owned(),
            Kind::Whole { min, .. } => format!("a whole number, {min} or more"),
            Kind::Number { zero: true } => "a number, 0 or more".to_owned(),
            Kind::Number { zero: false } => "a number above 0".to_owned(),
            Kind::Flag { .. } => "`true` or `false`".to_owned(),
            Kind::Word(words) => {
                let words: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
                format!("one of {}", words.join(", "))
            }
            Kind::Numbers => "a list of whole numbers such as [0, 8, 16]".to_owned(),
            Kind::Texts => "a list of names such as [\"NVIDIA A40\"]".to_owned(),
        }
    }

    /// The cell of the CSV table that means the same as a TOML value; `None` if the column does not
    /// take the value.
    pub(super) fn cell(self, value: &toml::de::DeValue<'_>) -> Option<String> {
        match self {
            Kind::Text => value
                .as_str()
                .filter(|text| !text.trim().is_empty())
                .map(str::to_owned),
            Kind::Word(words) => value
                .as_str()
                .filter(|text| words.contains(text))
                .map(str::to_owned),
            Kind::Flag { yes, no } => value
                .as_bool()
                .map(|flag| if flag { yes } else { no }.to_owned()),
            Kind::Whole { min, max } => {
                let number = whole_number(value)?;
                (min..=max).contains(&number).then(|| number.to_string())
            }
            Kind::Number { zero } => {
                let number = match value.as_float() {
                    Some(float) => float.as_str().parse::<f64>().ok()?,
                    None => whole_number(value)? as f64,
                };
                let fits = number.is_finite() && (number > 0.0 || (zero && number == 0.0));
                fits.then(|| number.to_string())
            }
            Kind::Texts => {
                let texts = value.as_array()?.iter();
                let legal = |text: &&str| {
                    !text.trim().is_empty() && !text.contains(|c: char| c == LIST || c.is_control())
                };
                let texts: Option<Vec<&str>> = texts
                    .map(|item| item.get_ref().as_str().filter(legal))
                    .collect();
                texts
                    .filter(|texts| !texts.is_empty())
                    .map(|texts| texts.join(&LIST.to_string()))
            }
            Kind::Numbers => {
                let numbers = value.as_array()?.iter();
                let words: Option<Vec<String>> = numbers
                    .map(|item| {
                        let number = whole_number(item.get_ref())?;
                        u32::try_from(number).ok().map(|n| n.to_string())
                    })
                    .collect();
                words
                    .filter(|words| !words.is_empty())
                    .map(|words| words.join(" "))
            }
        }
    }
}

fn whole_number(value: &toml::de::DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
