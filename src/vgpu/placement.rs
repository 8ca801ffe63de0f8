//! Placement ids: where the vGPUs of a GPU in mixed-size mode lie in its frame buffer.
//!
//! Each type may lie at some ids only, and covers its placement size from there; two vGPUs never overlap
//! (vGPU user guide 17, appendix A.3). Which ids are taken is left to the administrator on KVM, and to the
//! hypervisor elsewhere. Here: from the lowest id up, each id goes to the largest type that may lie there, unless
//! what is left would then not fit. So vGPUs that fit at all get ids, always the same.

use crate::catalog::VgpuType;
use std::collections::BTreeSet;
use thiserror::Error;

/// vGPUs of one type that are to be on the GPU.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub vgpu_type: &'a VgpuType,
    pub number: u32,
    /// Ids that are given, no more than `number`; the others are chosen.
    pub given: Vec<u32>,
}

/// Why vGPUs have no place on a GPU in mixed-size mode.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoPlace {
    /// The board has no such mode.
    #[error("the board of `{type_name}` has no mixed-size mode")]
    NoMode { type_name: String },
    /// No public source has the ids.
    #[error("the placement ids of `{type_name}` in mixed-size mode are not known")]
    Unknown { type_name: String },
    /// More than there are ids.
    #[error("{number} × {type_name}: a GPU in mixed-size mode holds at most {most}")]
    TooMany {
        type_name: String,
        number: u32,
        most: u32,
    },
    /// The type never lies there.
    #[error(
        "`{type_name}` cannot be at placement id {id}: its ids are {}",
        list(valid)
    )]
    NotAnId {
        type_name: String,
        id: u32,
        valid: Vec<u32>,
    },
    /// Two given ids overlap.
    #[error("`{type_name}` at placement id {id} overlaps `{other}` at {other_id}")]
    Overlap {
        type_name: String,
        id: u32,
        other: String,
        other_id: u32,
    },
    /// No choice of ids holds all of them.
    #[error(
        "no placement ids hold {wanted} together{}",
        instead.as_ref().map_or(String::new(), |fits| format!("; {fits} would fit"))
    )]
    NoFit {
        wanted: String,
        /// The same with fewer of one type, where that fits.
        instead: Option<String>,
    },
}

/// Joined by blanks, as the vendor's tables have them.
fn list(ids: &[u32]) -> String {
    ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}

/// A type with its ids, ascending.
struct Kind<'a> {
    vgpu_type: &'a VgpuType,
    size: u32,
    ids: &'a [u32],
}

/// The ids of all vGPUs: for each of `wanted` those that are given, then the others ascending.
///
/// # Errors
///
/// The first reason against it.
///
/// ```
/// use warpshare_input::catalog::Catalog;
/// use warpshare_input::vgpu::placement::{Wanted, place};
/// let catalog = Catalog::builtin()?;
/// let of = |name, number| Wanted {
///     vgpu_type: catalog.vgpu_type("a10", name).expect("a type of the A10"),
///     number,
///     given: Vec::new(),
/// };
/// assert_eq!(place(&[of("A10-12Q", 1), of("A10-6Q", 2)])?, [vec![0], vec![12, 18]]);
/// // 24 GB in all, but no ids hold them.
/// assert!(place(&[of("A10-6Q", 2), of("A10-4Q", 3)]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn place(wanted: &[Wanted<'_>]) -> Result<Vec<Vec<u32>>, NoPlace> {
    let kinds = wanted.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
    let mut taken: Vec<(u32, u32, &str)> = Vec::new(); // id, end, type
    for (wanted, kind) in wanted.iter().zip(&kinds) {
        for &id in &wanted.given {
            let type_name = &kind.vgpu_type.type_name;
            if !kind.ids.contains(&id) {
                return Err(NoPlace::NotAnId {
                    type_name: type_name.clone(),
                    id,
                    valid: kind.ids.to_vec(),
                });
            }
            let end = id + kind.size;
            if let Some((other_id, _, other)) =
                taken.iter().find(|held| id < held.1 && held.0 < end)
            {
                return Err(NoPlace::Overlap {
                    type_name: type_name.clone(),
                    id,
                    other: (*other).to_owned(),
                    other_id: *other_id,
                });
            }
            taken.push((id, end, type_name));
        }
    }
    let free: Vec<u32> = wanted
        .iter()
        .map(|wanted| wanted.number.saturating_sub(wanted.given.len() as u32))
        .collect();
    let Some(found) = search(&kinds, &taken, &free) else {
        return Err(no_fit(wanted, &kinds, &taken, &free));
    };
    let given = wanted.iter().map(|wanted| wanted.given.clone());
    Ok(given
        .zip(found)
        .map(|(mut given, chosen)| {
            given.extend(chosen);
            given
        })
        .collect())
}

fn kind<'a>(wanted: &Wanted<'a>) -> Result<Kind<'a>, NoPlace> {
    let vgpu_type = wanted.vgpu_type;
    let type_name = || vgpu_type.type_name.clone();
    if vgpu_type.max_per_gpu_mixed_size == Some(0) {
        return Err(NoPlace::NoMode {
            type_name: type_name(),
        });
    }
    let (Some(size), Some(ids)) = (
        vgpu_type.placement_size_gb,
        &vgpu_type.placement_ids_mixed_size,
    ) else {
        return Err(NoPlace::Unknown {
            type_name: type_name(),
        });
    };
    let most = vgpu_type.max_per_gpu_mixed_size.unwrap_or(ids.len() as u32);
    if wanted.number > most {
        return Err(NoPlace::TooMany {
            type_name: type_name(),
            number: wanted.number,
            most,
        });
    }
    Ok(Kind {
        vgpu_type,
        size,
        ids,
    })
}

/// Ids for `free` vGPUs of each kind beside what is taken, by the rule of this module.
fn search(kinds: &[Kind<'_>], taken: &[(u32, u32, &str)], free: &[u32]) -> Option<Vec<Vec<u32>>> {
    let all = kinds.iter().zip(free).filter(|(_, free)| **free > 0);
    let ids: BTreeSet<u32> = all.flat_map(|(kind, _)| kind.ids).copied().collect();
    let mut largest_first: Vec<usize> = (0..kinds.len()).collect();
    largest_first.sort_by_key(|&kind| std::cmp::Reverse(kinds[kind].size)); // stable
    let mut search = Search {
        kinds,
        taken,
        ids: ids.into_iter().collect(),
        largest_first,
        hopeless: BTreeSet::new(),
        chosen: vec![Vec::new(); kinds.len()],
    };
    let mut left = free.to_vec();
    search.from(0, &mut left).then_some(search.chosen)
}

struct Search<'a> {
    kinds: &'a [Kind<'a>],
    taken: &'a [(u32, u32, &'a str)],
    /// Of all kinds, ascending.
    ids: Vec<u32>,
    largest_first: Vec<usize>,
    /// Places and what was left there, from which nothing fits.
    hopeless: BTreeSet<(usize, Vec<u32>)>,
    chosen: Vec<Vec<u32>>,
}

impl Search<'_> {
    /// Finds ids for what is left from the `at`-th id on.
    fn from(&mut self, at: usize, left: &mut [u32]) -> bool {
        if left.iter().all(|&number| number == 0) {
            return true;
        }
        let Some(&id) = self.ids.get(at) else {
            return false;
        };
        let state = (at, left.to_vec());
        if self.hopeless.contains(&state) {
            return false;
        }
        for index in self.largest_first.clone() {
            let kind = &self.kinds[index];
            let end = id + kind.size;
            let overlaps = self.taken.iter().any(|held| id < held.1 && held.0 < end);
            if left[index] == 0 || overlaps || !kind.ids.contains(&id) {
                continue;
            }
            let next = self.ids.partition_point(|&other| other < end);
            left[index] -= 1;
            self.chosen[index].push(id);
            if self.from(next, left) {
                return true;
            }
            left[index] += 1;
            self.chosen[index].pop();
        }
        if self.from(at + 1, left) {
            return true;
        }
        self.hopeless.insert(state);
        false
    }
}

/// The refusal, with what would fit: the fewest less of one kind.
fn no_fit(
    wanted: &[Wanted<'_>],
    kinds: &[Kind<'_>],
    taken: &[(u32, u32, &str)],
    free: &[u32],
) -> NoPlace {
    let most = free.iter().max().copied().unwrap_or(0);
    let fewer = (1..=most).find_map(|less| {
        let mut each = (0..free.len()).filter(|&kind| free[kind] >= less);
        each.find_map(|kind| {
            let mut fewer = free.to_vec();
            fewer[kind] -= less;
            search(kinds, taken, &fewer).map(|_| fewer)
        })
    });
    let words = |number: &dyn Fn(usize) -> u32| {
        let each = wanted.iter().enumerate().filter_map(|(index, wanted)| {
            let name = &wanted.vgpu_type.type_name;
            (number(index) > 0).then(|| format!("{} × {name}", number(index)))
        });
        each.collect::<Vec<_>>().join(" + ")
    };
    NoPlace::NoFit {
        wanted: words(&|index| wanted[index].number),
        instead: fewer.map(|fewer| words(&|index| wanted[index].given.len() as u32 + fewer[index])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn ids(board: &str, wanted: &[(&str, u32, &[u32])]) -> Result<Vec<Vec<u32>>, NoPlace> {
        let catalog = Catalog::builtin().unwrap();
        let wanted: Vec<Wanted<'_>> = wanted
            .iter()
            .map(|(name, number, given)| Wanted {
                vgpu_type: catalog.vgpu_type(board, name).expect("a type of the board"),
                number: *number,
                given: given.to_vec(),
            })
            .collect();
        place(&wanted)
    }

    /// By hand from the ids of the A10: 6Q at 0 6 12 18, 4Q at 0 8 12 20, each as long as its size.
    #[test]
    fn the_largest_lies_lowest_unless_the_rest_would_not_fit() {
        let placed = ids("a10", &[("A10-4Q", 2, &[]), ("A10-6Q", 2, &[])]).unwrap();
        assert_eq!(placed, [vec![12, 20], vec![0, 6]]);
        // One 6Q at 0 leaves 8, 12 and 20 for the 4Q.
        let placed = ids("a10", &[("A10-4Q", 3, &[]), ("A10-6Q", 1, &[])]).unwrap();
        assert_eq!(placed, [vec![8, 12, 20], vec![0]]);
    }

    #[test]
    fn what_the_frame_buffer_holds_may_have_no_ids() {
        let error = ids("a10", &[("A10-4Q", 3, &[]), ("A10-6Q", 2, &[])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no placement ids hold 3 × A10-4Q + 2 × A10-6Q together; 2 × A10-4Q + 2 × A10-6Q would fit"
        );
    }

    #[test]
    fn given_ids_come_first_and_are_checked() {
        let placed = ids("a10", &[("A10-6Q", 2, &[18]), ("A10-12Q", 1, &[])]).unwrap();
        assert_eq!(placed, [vec![18, 12], vec![0]]);
        let wrong = ids("a10", &[("A10-6Q", 1, &[4])]).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "`A10-6Q` cannot be at placement id 4: its ids are 0 6 12 18"
        );
        let wrong = ids("a10", &[("A10-12Q", 1, &[0]), ("A10-6Q", 1, &[6])]).unwrap_err();
        assert!(
            matches!(
                wrong,
                NoPlace::Overlap {
                    id: 6,
                    other_id: 0,
                    ..
                }
            ),
            "{wrong}"
        );
    }

    /// The maximum of a type in mixed-size mode is what its own ids hold, on every board that has the mode.
    #[test]
    fn each_type_alone_fits_as_often_as_its_maximum_says() {
        let catalog = Catalog::builtin().unwrap();
        let mut checked = 0;
        for board in catalog.gpus_with_vgpu_types() {
            for vgpu_type in catalog.vgpu_types(board) {
                let Some(most) = vgpu_type.max_per_gpu_mixed_size.filter(|most| *most > 0) else {
                    continue;
                };
                // Six types of the H200 have a maximum, but no source lists their ids.
                if vgpu_type
                    .placement_ids_mixed_size
                    .as_ref()
                    .is_none_or(Vec::is_empty)
                {
                    continue;
                }
                let all = |number| {
                    place(&[Wanted {
                        vgpu_type,
                        number,
                        given: Vec::new(),
                    }])
                };
                let placed = all(most).unwrap_or_else(|error| panic!("{board}: {error}"));
                assert_eq!(placed[0].len(), most as usize, "{}", vgpu_type.type_name);
                assert!(matches!(all(most + 1), Err(NoPlace::TooMany { .. })));
                checked += 1;
            }
        }
        assert!(checked > 200, "{checked}");
    }

    #[test]
    fn boards_before_ampere_have_no_such_mode() {
        let error = ids("t4", &[("T4-8Q", 1, &[])]).unwrap_err();
        assert!(matches!(error, NoPlace::NoMode { .. }), "{error}");
    }
}
