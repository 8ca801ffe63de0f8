//! The rules of admission, each with the fact behind it.

use std::fmt;

/// A reason to refuse a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// vGPUs and contexts on one GPU.
    VgpuOrContext,
    /// An exclusive GPU with several tenants.
    Exclusive,
    /// vGPUs on a GPU that has none.
    NoVgpu,
    /// A type that needs a GPU instance on a GPU without instances.
    MigType,
    /// Types of different frame-buffer sizes in equal-size mode.
    EqualSize,
    /// vGPUs that mixed-size mode has no place for.
    MixedSize,
    /// More vGPUs of one size than the type's maximum.
    MaxPerGpu,
    /// More vGPUs than the manager handles on one GPU.
    ManagerCap,
    /// More frame buffer than the GPU has.
    FrameBuffer,
    /// More vGPUs than virtual functions.
    VirtualFunctions,
    /// Several series in one VM.
    OneSeriesPerVm,
    /// More than 16 vGPUs in one VM.
    VgpusPerVm,
    /// Several vGPUs of A or B series in one VM.
    SeriesAlonePerVm,
    /// CUDA work on a type without CUDA.
    Cuda,
    /// Graphics work on a compute type.
    Graphics,
    /// Encoding on a GPU without encoders.
    Encode,
}

/// vGPUs on one GPU without MIG.
pub(super) const MANAGER_CAP: u64 = 32;
/// vGPUs in one VM.
pub(super) const PER_VM: u64 = 16;

const USER_GUIDE: &str =
    "vGPU user guide 17, https://docs.nvidia.com/grid/17.0/grid-vgpu-user-guide/index.html";
const XML: &str =
    "vgpuConfig.xml of driver 550, github.com/tomasharkema/nixos-nvidia-vgpu @e9f9f0f";
const OPEN_MODULES: &str = "github.com/NVIDIA/open-gpu-kernel-modules @df1c9a3";

impl Rule {
    /// All rules, in the order in which they are checked.
    pub const ALL: [Rule; 16] = [
        Rule::VgpuOrContext,
        Rule::Exclusive,
        Rule::NoVgpu,
        Rule::MigType,
        Rule::EqualSize,
        Rule::MixedSize,
        Rule::MaxPerGpu,
        Rule::ManagerCap,
        Rule::FrameBuffer,
        Rule::VirtualFunctions,
        Rule::OneSeriesPerVm,
        Rule::VgpusPerVm,
        Rule::SeriesAlonePerVm,
        Rule::Cuda,
        Rule::Graphics,
        Rule::Encode,
    ];

    /// Stable name, for machines.
    pub fn name(self) -> &'static str {
        match self {
            Rule::VgpuOrContext => "vgpu-or-context",
            Rule::Exclusive => "exclusive",
            Rule::NoVgpu => "no-vgpu",
            Rule::MigType => "mig-type",
            Rule::EqualSize => "equal-size",
            Rule::MixedSize => "mixed-size",
            Rule::MaxPerGpu => "max-per-gpu",
            Rule::ManagerCap => "manager-cap",
            Rule::FrameBuffer => "frame-buffer",
            Rule::VirtualFunctions => "virtual-functions",
            Rule::OneSeriesPerVm => "one-series-per-vm",
            Rule::VgpusPerVm => "vgpus-per-vm",
            Rule::SeriesAlonePerVm => "series-alone-per-vm",
            Rule::Cuda => "cuda",
            Rule::Graphics => "graphics",
            Rule::Encode => "encode",
        }
    }

    /// The fact behind the rule, one sentence without a full stop.
    pub fn fact(self) -> &'static str {
        match self {
            Rule::VgpuOrContext => {
                "a GPU works either for the vGPU manager or directly, never both at once"
            }
            Rule::Exclusive => "an exclusive GPU has one owner",
            Rule::NoVgpu => "the catalogue says that the board does not support vGPU",
            Rule::MigType => {
                "a MIG-backed type lives in a GPU instance, and time-sliced types exist only with \
                 MIG off"
            }
            Rule::EqualSize => {
                "in equal-size mode every vGPU of a GPU has the same frame-buffer size; series may \
                 mix"
            }
            Rule::MixedSize => {
                "in mixed-size mode, from Ampere on, each type lies at its placement ids only and two \
                 vGPUs never overlap, so fewer may fit"
            }
            Rule::MaxPerGpu => "each type has a maximum number of vGPUs on one GPU",
            Rule::ManagerCap => "the manager handles at most 32 vGPUs on a GPU without MIG",
            Rule::FrameBuffer => {
                "frame buffer is reserved in full when a vGPU is created and never oversubscribed"
            }
            Rule::VirtualFunctions => "with SR-IOV each vGPU takes a virtual function of its own",
            Rule::OneSeriesPerVm => "all vGPUs of one VM belong to the same series",
            Rule::VgpusPerVm => "a VM holds at most 16 vGPUs",
            Rule::SeriesAlonePerVm => {
                "A- and B-series types have more than one vGPU per VM switched off"
            }
            Rule::Cuda => "A- and B-series types have CUDA switched off",
            Rule::Graphics => {
                "C-series types are made for compute: one display head, no workstation graphics"
            }
            Rule::Encode => "encoding runs on the NVENC engines of the GPU",
        }
    }

    /// Where the fact is documented.
    pub fn source(self) -> &'static str {
        match self {
            Rule::Exclusive => "the meaning of `exclusive`",
            Rule::NoVgpu => "`vgpu_capable` in the catalogue or in your boards file",
            Rule::VgpuOrContext
            | Rule::MigType
            | Rule::EqualSize
            | Rule::MixedSize
            | Rule::MaxPerGpu
            | Rule::FrameBuffer
            | Rule::VirtualFunctions
            | Rule::OneSeriesPerVm => USER_GUIDE,
            Rule::ManagerCap | Rule::VgpusPerVm => OPEN_MODULES,
            Rule::SeriesAlonePerVm | Rule::Cuda => XML,
            Rule::Graphics => {
                "NVIDIA AI Enterprise documentation, vGPU types by architecture, remark on vGPU for \
                 Compute"
            }
            Rule::Encode => "`nvenc` in the catalogue or in your boards file",
        }
    }
}

/// The table of rules, facts and sources in Markdown, for the documentation.
pub fn rules_as_markdown() -> String {
    let mut text = String::from("| Rule | Fact | Source |\n|---|---|---|\n");
    for rule in Rule::ALL {
        text += &format!(
            "| `{}` | {} | {} |\n",
            rule.name(),
            rule.fact(),
            rule.source()
        );
    }
    text
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
