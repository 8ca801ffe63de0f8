//! Which GPU of a card each guest goes to.
//!
//! Guests that name a GPU are there first. The others come in the order of their start, `order` and name,
//! member by member, and each goes to the GPU with the fewest tenants of those that can take it
//! (breadth-first) or with the most (depth-first), of equals to the one with the lowest number. These are the
//! two policies of the hypervisors (vGPU user guide 17,
//! <https://docs.nvidia.com/grid/17.0/grid-vgpu-user-guide/index.html>).

use crate::catalog::{Catalog, Mode, VgpuType};
use crate::scenario::elements::board::Facts;
use crate::scenario::elements::guest::Holds;
use crate::scenario::elements::placed::Placed;
use crate::scenario::key::checker::Checker;
use crate::scenario::read::raw::{RawPlacement, RawScenario};
use crate::scenario::settle::cards::{Card, Cards};
use crate::vgpu::placement::{Wanted, place};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Who is on a GPU already.
#[derive(Clone, Default)]
struct Held<'a> {
    tenants: u64,
    contexts: bool,
    vgpus: Vec<(&'a VgpuType, u64)>,
}

/// What one member of a group asks for: vGPUs of a type, or a context.
type Wish<'a> = Option<(&'a VgpuType, u64)>;

impl<'a> Held<'a> {
    fn add(&mut self, wish: Wish<'a>, members: u64) {
        match wish {
            None => {
                self.contexts = true;
                self.tenants += members;
            }
            Some((vgpu_type, number)) => {
                self.tenants += number * members;
                match self.vgpus.iter_mut().find(|(held, _)| *held == vgpu_type) {
                    Some((_, held)) => *held += number * members,
                    None => self.vgpus.push((vgpu_type, number * members)),
                }
            }
        }
    }

    /// Whether the GPU can take it too. What no GPU can take is left to admission.
    fn takes(&self, wish: Wish<'a>, mixed: bool) -> bool {
        let Some((vgpu_type, number)) = wish else {
            return self.vgpus.is_empty();
        };
        if mixed {
            let mut more = Held {
                vgpus: self.vgpus.clone(),
                ..Held::default()
            };
            more.add(wish, 1);
            let wanted = more.vgpus.iter().map(|(vgpu_type, number)| Wanted {
                vgpu_type,
                number: u32::try_from(*number).unwrap_or(u32::MAX),
                given: Vec::new(),
            });
            return !self.contexts && place(&wanted.collect::<Vec<_>>()).is_ok();
        }
        let size = |held: &VgpuType| held.frame_buffer_mib == vgpu_type.frame_buffer_mib;
        let types = self.vgpus.iter().map(|(held, _)| *held);
        let maxima = types.chain([vgpu_type]).filter_map(|held| held.max_per_gpu);
        !self.contexts
            && self.vgpus.iter().all(|(held, _)| size(held))
            && maxima
                .min()
                .is_none_or(|most| self.tenants + number <= u64::from(most))
    }
}

/// Spreads the groups that name a card over its GPUs: a part for each GPU that has members of it. A group that
/// does not fit is refused and left out.
pub(crate) fn spread(
    c: &mut Checker,
    cards: &Cards,
    mut placed: Vec<Placed>,
    raw: &RawScenario,
    boards: &BTreeMap<String, Facts>,
    catalog: &Catalog,
) -> Vec<Placed> {
    for (name, card) in cards.iter() {
        let (mut groups, others): (Vec<Placed>, Vec<Placed>) = placed
            .into_iter()
            .partition(|group| group.card.as_deref() == Some(name));
        placed = others;
        let board = card.gpus.first().and_then(|gpu| boards.get(gpu));
        let Some(board) = board else {
            continue; // a mistake in the card was said
        };
        let wish = |group: &Placed| match &group.holds {
            Holds::Vgpu {
                type_name, number, ..
            } => {
                let found = catalog.vgpu_type(&board.id, type_name);
                // Types that no GPU without instances takes: said by admission.
                let found = found.filter(|found| found.mode == Mode::TimeSliced);
                found.map(|found| (found, u64::from(*number)))
            }
            Holds::Context | Holds::Client { .. } | Holds::Process { .. } => None,
        };
        let mut held: Vec<Held<'_>> = card.gpus.iter().map(|_| Held::default()).collect();
        for (gpu, held) in card.gpus.iter().zip(&mut held) {
            for pinned in placed.iter().filter(|group| group.gpu == *gpu) {
                held.add(wish(pinned), u64::from(pinned.count));
            }
        }
        groups.sort_by_cached_key(|group| {
            let guest = raw.guests.get(&group.name).map(|field| &field.value);
            let start = guest.and_then(|guest| guest.start.as_ref());
            let order = guest.and_then(|guest| guest.order.as_ref());
            (
                start.map_or(0, |start| start.value.nanos),
                order.map_or(0, |order| order.value),
                group.name.clone(),
            )
        });
        let pinned = held.clone();
        let depth_first = || {
            let mut held = pinned.clone();
            let way = (RawPlacement::DepthFirst, card.mixed_sizes);
            let mut groups = groups.iter();
            groups.all(|group| members(way, &mut held, wish(group), group.count).is_ok())
        };
        let way = (card.placement, card.mixed_sizes);
        for group in &groups {
            let wish = wish(group);
            match members(way, &mut held, wish, group.count) {
                Ok(members) => placed.extend(parts(c, card, group, &members)),
                Err(fit) => {
                    let fit = (fit, depth_first());
                    refuse(c, (name, card), group, wish, fit, board, catalog);
                }
            }
        }
    }
    placed
}

/// The GPU of each member, or how many fit.
fn members<'a>(
    (placement, mixed_sizes): (RawPlacement, bool),
    held: &mut [Held<'a>],
    wish: Wish<'a>,
    count: u32,
) -> Result<Vec<usize>, u32> {
    let mut members = Vec::new();
    for member in 0..count {
        let gpus = (0..held.len()).filter(|&gpu| held[gpu].takes(wish, mixed_sizes));
        let gpu = match placement {
            RawPlacement::BreadthFirst => gpus.min_by_key(|&gpu| held[gpu].tenants),
            // The first of equals.
            RawPlacement::DepthFirst => gpus.min_by_key(|&gpu| Reverse(held[gpu].tenants)),
        };
        let Some(gpu) = gpu else {
            return Err(member);
        };
        held[gpu].add(wish, 1);
        members.push(gpu);
    }
    Ok(members)
}

/// A group by GPU.
fn parts(c: &mut Checker, card: &Card, group: &Placed, members: &[usize]) -> Vec<Placed> {
    let mut parts = Vec::new();
    let mut words = Vec::new();
    for (gpu, name) in card.gpus.iter().enumerate() {
        let ordinals: Vec<u32> = (0..group.count)
            .zip(members)
            .filter_map(|(ordinal, &at)| (at == gpu).then_some(ordinal))
            .collect();
        if ordinals.is_empty() {
            continue;
        }
        words.push(format!("{} on {name}", ordinals.len()));
        let each = group.holds.tenants() as usize;
        let own = |ordinal: &u32| {
            let first = *ordinal as usize * each;
            let ids = group.placement_ids.get(first..first + each);
            ids.unwrap_or_default().to_vec()
        };
        parts.push(Placed {
            placement_ids: ordinals.iter().flat_map(own).collect(),
            name: group.name.clone(),
            gpu: name.clone(),
            domain: group.domain.clone(),
            count: ordinals.len() as u32,
            ordinals,
            card: None,
            holds: group.holds.clone(),
            inside: None,
            holds_span: group.holds_span.clone(),
        });
    }
    let text = format!("{} ({})", words.join(", "), card.placement.word());
    c.by_default(&format!("guests.{}.placement", group.name), text);
    parts
}

/// Says why a group does not fit, when `fit` of it do; `depth_first` if all groups would fit that way.
fn refuse(
    c: &mut Checker,
    (name, card): (&str, &Card),
    group: &Placed,
    wish: Wish<'_>,
    (fit, depth_first): (u32, bool),
    board: &Facts,
    catalog: &Catalog,
) {
    let gpus = card.gpus.len() as u64;
    let Some((vgpu_type, number)) = wish else {
        let title = format!("`{}` does not fit on card `{name}`", group.name);
        let label = "each of its GPUs holds vGPUs, and no CUDA context";
        let help = "move the contexts to another card, or the vGPUs to some GPUs of this one";
        c.error(&group.holds_span, title, label, help);
        return;
    };
    let type_name = &vgpu_type.type_name;
    let asked = number * u64::from(group.count);
    let title = format!("card `{name}` cannot hold {asked} vGPUs `{type_name}`");
    let most = |of: &VgpuType| match card.mixed_sizes {
        true => of.max_per_gpu_mixed_size,
        false => of.max_per_gpu,
    };
    let each = most(vgpu_type).map_or(0, u64::from);
    let label = match each * gpus >= asked {
        true => format!(
            "{} fit beside the others: the vGPUs of a GPU have one size, and it holds {each} of this",
            number * u64::from(fit)
        ),
        false => format!(
            "it has {gpus} GPUs, and each holds {each} of this size: {} in all",
            each * gpus
        ),
    };
    let smaller = catalog.vgpu_types(&board.id).filter(|other| {
        other.mode == Mode::TimeSliced
            && other.series == vgpu_type.series
            && other.frame_buffer_mib < vgpu_type.frame_buffer_mib
            && most(other).is_some_and(|most| u64::from(most) * gpus >= asked)
    });
    let smaller = smaller.max_by_key(|other| other.frame_buffer_mib);
    let help = match (smaller, each * gpus) {
        (_, all) if all >= asked && depth_first => {
            "placement = \"depth-first\" keeps GPUs free for other sizes".to_owned()
        }
        (_, all) if all >= asked => {
            "fewer guests of other sizes on this card, or another card".to_owned()
        }
        (Some(smaller), all) => format!(
            "use the smaller type `{}` ({} on each GPU), or {}",
            smaller.type_name,
            most(smaller).unwrap_or_default(),
            more_cards(asked, all)
        ),
        (None, all) => more_cards(asked, all),
    };
    c.error(&group.holds_span, title, label, help);
}

/// `2 cards`.
fn more_cards(asked: u64, all: u64) -> String {
    match all {
        0 => "another board".to_owned(),
        all if asked <= all => "another card".to_owned(),
        all => format!("{} cards", asked.div_ceil(all)),
    }
}
