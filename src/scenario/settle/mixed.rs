//! `vgpu_sizes = "mixed"`: vGPUs of several frame-buffer sizes on one GPU, each at its placement id.

use crate::catalog::Catalog;
use crate::scenario::elements::board::Facts;
use crate::scenario::elements::guest::Holds;
use crate::scenario::elements::placed::Placed;
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::Field;
use crate::scenario::read::raw::{RawGpu, RawGuest, RawSizes};
use crate::vgpu::placement::{Wanted, place};

/// Whether the GPU is in mixed-size mode.
pub(crate) fn is_on(raw: &RawGpu) -> bool {
    let sizes = raw.vgpu_sizes.as_ref();
    sizes.is_some_and(|sizes| sizes.value == RawSizes::Mixed)
}

/// The placement ids that a guest gives for its vGPUs; `None` after an error.
pub(crate) fn given(c: &mut Checker, path: &str, guest: &RawGuest, vgpus: u64) -> Option<Vec<u32>> {
    let Some(field) = &guest.placement_ids else {
        return Some(Vec::new());
    };
    let number = field.value.len() as u64;
    if number != vgpus {
        let title = format!("{number} placement ids for {vgpus} vGPUs");
        let help = "one for each vGPU of the group, or leave them out: they are chosen then";
        c.error(&field.span, title, "not as many", help);
        return None;
    }
    let ids: Result<Vec<u32>, _> = field.value.iter().map(|id| u32::try_from(*id)).collect();
    let Ok(ids) = ids else {
        let title = "a placement id is out of range";
        c.error(
            &field.span,
            title,
            "a position in the frame buffer, in GB",
            "",
        );
        return None;
    };
    let words: Vec<String> = ids.iter().map(u32::to_string).collect();
    c.file_value(
        &format!("{path}.placement_ids"),
        words.join(", "),
        &field.span,
    );
    Some(ids)
}

/// Refuses placement ids of vGPUs that are not in mixed-size mode.
pub(crate) fn no_ids(c: &mut Checker, placed: &Placed, help: &str) {
    if !placed.placement_ids.is_empty() {
        let title = "`placement_ids` does not apply here";
        let label = "these vGPUs are of one size";
        c.error(&placed.holds_span, title, label, help);
    }
}

/// Says in which mode the GPU is and which ids its vGPUs got; refuses ids where there are none.
///
/// `here` are the guests of the GPU, which admission has let in.
pub(crate) fn settle(
    c: &mut Checker,
    (path, gpu): (&str, &str),
    raw: &Field<RawGpu>,
    facts: &Facts,
    here: &[&Placed],
    catalog: &Catalog,
) {
    let vgpus = here.iter().any(|placed| placed.holds.is_vgpu());
    if let Some(sizes) = &raw.value.vgpu_sizes {
        if here.is_empty() || vgpus {
            c.file_value(
                &format!("{path}.vgpu_sizes"),
                sizes.value.word(),
                &sizes.span,
            );
        } else {
            let why = "nobody holds a vGPU here";
            c.no_effect(&raw.value.vgpu_sizes, "vgpu_sizes", why, "remove it");
        }
    }
    let mut wanted: Vec<Wanted<'_>> = Vec::new();
    let mut of: Vec<(&Placed, usize)> = Vec::new();
    for &placed in here {
        let Holds::Vgpu {
            type_name, number, ..
        } = &placed.holds
        else {
            continue;
        };
        if !is_on(&raw.value) {
            let help = format!("remove it, or write vgpu_sizes = \"mixed\" in [{path}]");
            no_ids(c, placed, &help);
            continue;
        }
        if let Some(vgpu_type) = catalog.vgpu_type(&facts.id, type_name) {
            of.push((placed, wanted.len()));
            wanted.push(Wanted {
                vgpu_type,
                number: placed.count.saturating_mul(*number),
                given: placed.placement_ids.clone(),
            });
        }
    }
    // What does not fit was said by admission.
    let Ok(ids) = place(&wanted) else {
        return;
    };
    for (placed, index) in of
        .iter()
        .filter(|(placed, _)| placed.placement_ids.is_empty())
    {
        let words: Vec<String> = ids[*index].iter().map(u32::to_string).collect();
        let on = match placed.ordinals.is_empty() {
            true => String::new(),
            false => format!(" on {gpu}"),
        };
        let path = format!("guests.{}.placement_ids", placed.name);
        c.by_default(&path, format!("{}{on}", words.join(", ")));
    }
}
