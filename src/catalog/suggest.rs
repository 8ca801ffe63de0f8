//! What somebody may have meant by a name that the catalogue does not have.

use super::nearest::{nearest, nearest_all};
use super::{Catalog, Mode, Series};

/// Names that a message lists at most.
const LISTED: usize = 8;

/// The end of a type's name: the size in GB and the series.
struct Wanted {
    gigabytes: u64,
    series: Series,
}

impl Catalog {
    /// Identifiers of the boards that `text` may mean: compared with identifiers, names, names without
    /// the maker, what programs print, and the spellings of the vGPU table. All that are equally
    /// near, in the order of the catalogue; none when nothing is near.
    ///
    /// ```
    /// let catalog = warpshare_input::catalog::Catalog::builtin()?;
    /// assert_eq!(catalog.boards_like("A-40"), ["a40"]);
    /// assert_eq!(catalog.boards_like("l4s"), ["l4", "l40", "l40s"]);
    /// assert!(catalog.boards_like("a100").len() >= 4);
    /// assert!(catalog.boards_like("radeon").is_empty());
    /// # Ok::<(), warpshare_input::catalog::CatalogError>(())
    /// ```
    pub fn boards_like(&self, text: &str) -> Vec<&str> {
        let gpus = &self.gpus.rows;
        let mut candidates: Vec<(&str, &str)> = Vec::new();
        for gpu in gpus {
            let short = gpu.name.strip_prefix("NVIDIA ").unwrap_or(&gpu.name);
            let names = [&*gpu.id, &*gpu.name, short].into_iter();
            candidates.extend(names.chain(self.names_of(&gpu.id)).map(|n| (n, &*gpu.id)));
        }
        for (spelling, id) in &self.aliases {
            candidates.push((spelling, id.as_deref().unwrap_or(spelling)));
        }
        let mut found = nearest_all(text, candidates.into_iter());
        let ids: Vec<&str> = gpus.iter().map(|gpu| &*gpu.id).collect();
        found.sort_by_key(|id| ids.iter().position(|own| own == id).unwrap_or(ids.len()));
        found.dedup();
        found
    }

    /// The help for a board that the catalogue does not have; `None` when nothing is near.
    pub fn suggest_gpu(&self, text: &str) -> Option<String> {
        let found = self.boards_like(text);
        match found.as_slice() {
            [] => None,
            [only] => Some(format!("did you mean `{only}`?")),
            several => Some(format!("did you mean one of {}?", listed(several))),
        }
    }

    /// The help for a vGPU type that a board does not have: the type of the same board that has the
    /// size and the series; where the board has none of the series, boards that have; else the types of
    /// the same size, or of the same series.
    ///
    /// ```
    /// let catalog = warpshare_input::catalog::Catalog::builtin()?;
    /// let help = catalog.suggest_vgpu_type("a40", "L40S-4Q");
    /// assert_eq!(help, "did you mean `A40-4Q`? (`L40S-4Q` is a type of `l40s`)");
    /// # Ok::<(), warpshare_input::catalog::CatalogError>(())
    /// ```
    pub fn suggest_vgpu_type(&self, gpu_id: &str, text: &str) -> String {
        if self.vgpu_types(gpu_id).next().is_none() {
            return format!("the catalogue has no vGPU types for `{gpu_id}`");
        }
        let text = self.bare_type(gpu_id, text);
        let owner = self.owner_of_type(text).map_or(String::new(), |owner| {
            format!(" (`{text}` is a type of `{owner}`)")
        });
        let Some(wanted) = wanted(text) else {
            return self.by_spelling(gpu_id, text) + &owner;
        };
        let same_size = |gigabytes: u64| gigabytes == wanted.gigabytes;
        let of_series: Vec<(&str, u64)> = self
            .vgpu_types(gpu_id)
            .filter(|t| t.series == wanted.series)
            .map(|t| (t.type_name.as_str(), t.frame_buffer_mib >> 10))
            .collect();
        let same: Vec<&str> = of_series
            .iter()
            .filter(|(_, size)| same_size(*size))
            .map(|(name, _)| *name)
            .collect();
        if let Some(near) = nearest(text, same.iter().map(|name| (*name, *name)))
            .or_else(|| self.time_sliced_first(gpu_id, &same))
        {
            return format!("did you mean `{near}`?{owner}");
        }
        if of_series.is_empty() {
            return self.other_boards(gpu_id, &wanted) + &owner;
        }
        let sizes: Vec<&str> = of_series.iter().map(|(name, _)| *name).collect();
        format!(
            "`{gpu_id}` has no {} type of {} GB; it has {}{owner}",
            wanted.series,
            wanted.gigabytes,
            listed(&sizes)
        )
    }

    /// A board that has the type.
    pub fn owner_of_type(&self, text: &str) -> Option<&str> {
        self.gpus_with_vgpu_types()
            .into_iter()
            .find(|id| self.vgpu_type_named(id, text).is_some())
    }

    fn time_sliced_first<'n>(&self, gpu_id: &str, names: &[&'n str]) -> Option<&'n str> {
        let whole = |name: &&&str| {
            self.vgpu_type(gpu_id, name)
                .is_some_and(|t| t.mode == Mode::TimeSliced)
        };
        names.iter().find(whole).or(names.first()).copied()
    }

    /// The board has no type of the series.
    fn other_boards(&self, gpu_id: &str, wanted: &Wanted) -> String {
        let series = wanted.series;
        let with = |exact: bool| -> Vec<&str> {
            let boards = self.gpus_with_vgpu_types().into_iter();
            boards
                .filter(|id| {
                    let mut types = self.vgpu_types(id);
                    types.any(|t| {
                        let size = t.frame_buffer_mib >> 10 == wanted.gigabytes;
                        t.series == series && (size || !exact)
                    })
                })
                .collect()
        };
        let (boards, what) = match with(true) {
            none if none.is_empty() => (with(false), format!("{series} types")),
            some => (some, format!("{series} types of {} GB", wanted.gigabytes)),
        };
        let same_size: Vec<&str> = self
            .vgpu_types(gpu_id)
            .filter(|t| t.frame_buffer_mib >> 10 == wanted.gigabytes)
            .map(|t| t.type_name.as_str())
            .collect();
        let instead = match same_size.as_slice() {
            [] => String::new(),
            names => format!("; of that size it has {}", listed(names)),
        };
        format!(
            "`{gpu_id}` has no {series} types{instead}; boards with {what}: {}",
            listed(&boards)
        )
    }

    /// No size and series can be read from the name.
    fn by_spelling(&self, gpu_id: &str, text: &str) -> String {
        let names: Vec<&str> = self
            .vgpu_types(gpu_id)
            .map(|t| t.type_name.as_str())
            .collect();
        match nearest(text, names.iter().map(|name| (*name, *name))) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its types: {}", listed(&names)),
        }
    }
}

/// Size and series at the end of a name such as `A40-4Q`, `A100-1-5C` or `T4-1B4`.
fn wanted(text: &str) -> Option<Wanted> {
    let (_, tail) = text.rsplit_once('-')?;
    let end = tail.find(|c: char| !c.is_ascii_digit())?;
    let (digits, series) = tail.split_at(end);
    let letter = series.get(..1)?;
    let series = Series::ALL
        .into_iter()
        .find(|known| known.to_string().eq_ignore_ascii_case(letter))?;
    Some(Wanted {
        gigabytes: digits.parse().ok()?,
        series,
    })
}

/// The first names in quotes, and how many more there are.
fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len().checked_sub(LISTED) {
        None | Some(0) => quoted.join(", "),
        Some(more) => format!("{} and {more} more", quoted.join(", ")),
    }
}
