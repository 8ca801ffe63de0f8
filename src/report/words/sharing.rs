//! How a GPU is shared, what guests hold of it, and what for.

use crate::metrics::write_nanos;
use crate::result::{Holding, Horizon, Load, MemoryOf, Sharing, Slice};

/// How SMs are shared, in a line: `time-slice: best-effort, slice 2 ms`.
pub fn sharing(sharing: &Sharing) -> String {
    let terms = match sharing {
        Sharing::Exclusive => return "exclusive".to_owned(),
        Sharing::Spatial { policy } => {
            return format!("spatial: {}", policy.as_deref().unwrap_or("MPS"));
        }
        Sharing::Mig { instances } => {
            let list = instances.iter();
            let list = list.map(|instance| format!("{}@{}", instance.profile, instance.start));
            return format!("MIG: {}", list.collect::<Vec<_>>().join(", "));
        }
        Sharing::TimeSlice(terms) => terms,
    };
    let mut text = format!("time-slice: {}", terms.scheduler);
    if terms.reserves {
        match terms.arr_factor {
            Some(factor) => text.push_str(&format!(", ARR factor {factor}")),
            None => text.push_str(", without ARR"),
        }
    }
    if let Some(slice) = terms.slice_ns {
        text.push_str(&format!(", slice {} ms", slice as f64 / 1e6));
    }
    if let Some(cap) = terms.elastic_cap {
        text.push_str(&format!(", elastic cap {}", (cap * 1e3).round() / 1e3));
    }
    text
}

/// What each guest holds: `A40-4Q`, `2 x A40-4Q`, `CUDA context`, `MPS client`.
pub fn holding(holding: &Holding) -> String {
    let (what, inside) = match holding {
        Holding::Context { inside } => ("CUDA context".to_owned(), inside),
        Holding::Client { sms: None, inside } => ("MPS client".to_owned(), inside),
        Holding::Client {
            sms: Some(sms),
            inside,
        } => (format!("MPS client, at most {sms} SMs"), inside),
        Holding::Vgpu {
            vgpu_type,
            number: 1,
        } => return vgpu_type.clone(),
        Holding::Vgpu { vgpu_type, number } => return format!("{number} x {vgpu_type}"),
    };
    match inside {
        Some(guest) => format!("{what} inside {guest}"),
        None => what,
    }
}

/// `open` or `closed`.
pub fn load(load: Load) -> &'static str {
    match load {
        Load::Open => "open",
        Load::Closed => "closed",
    }
}

/// `steady` or `terminating`.
pub fn horizon(horizon: Horizon) -> &'static str {
    match horizon {
        Horizon::Steady => "steady",
        Horizon::Terminating => "terminating",
    }
}

/// `GPU`, the profile of an instance, or the vGPU type.
pub fn memory_of(of: &MemoryOf) -> &str {
    match of {
        MemoryOf::Gpu => "GPU",
        MemoryOf::Instance { profile } => profile,
        MemoryOf::Vgpu { vgpu_type } => vgpu_type,
    }
}

/// What is to be known if policies take turns of different lengths.
pub fn slices(slices: &[Slice]) -> Option<String> {
    if slices.is_empty() {
        return None;
    }
    let each = slices.iter().map(|slice| {
        let names = match slice.policies.as_slice() {
            [one] => one.clone(),
            [one, another] => format!("{one} and {another}"),
            [one, others @ ..] => format!("{one} and {} others", others.len()),
            [] => String::new(),
        };
        format!("{} under {names}", write_nanos(slice.length_ns as f64))
    });
    Some(format!(
        "Slices differ: {}. A difference between policies may be one of the slice; NAME+slice=2ms gives a \
         policy another.",
        each.collect::<Vec<_>>().join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{PlacedInstance, TimeSlice};

    #[test]
    fn terms_of_turns_stand_in_a_line() {
        let mut terms = TimeSlice {
            scheduler: "equal-share".to_owned(),
            reserves: true,
            arr_factor: Some(33),
            slice_ns: Some(2_500_000),
            elastic_cap: Some(0.5),
        };
        let text = |terms: &TimeSlice| sharing(&Sharing::TimeSlice(terms.clone()));
        assert_eq!(
            text(&terms),
            "time-slice: equal-share, ARR factor 33, slice 2.5 ms, elastic cap 0.5"
        );
        (terms.arr_factor, terms.slice_ns, terms.elastic_cap) = (None, None, None);
        assert_eq!(text(&terms), "time-slice: equal-share, without ARR");
        terms.reserves = false;
        assert_eq!(text(&terms), "time-slice: equal-share");
    }

    #[test]
    fn places_and_holdings_have_short_names() {
        let instance = |profile: &str, start| PlacedInstance {
            profile: profile.to_owned(),
            start,
        };
        let instances = vec![instance("3g.20gb", 0), instance("1g.5gb", 6)];
        assert_eq!(
            sharing(&Sharing::Mig { instances }),
            "MIG: 3g.20gb@0, 1g.5gb@6"
        );
        assert_eq!(sharing(&Sharing::Spatial { policy: None }), "spatial: MPS");
        let client = Holding::Client {
            sms: Some(10),
            inside: Some("vm".to_owned()),
        };
        assert_eq!(holding(&client), "MPS client, at most 10 SMs inside vm");
        let vgpus = |number| Holding::Vgpu {
            vgpu_type: "A40-4Q".to_owned(),
            number,
        };
        assert_eq!(holding(&vgpus(1)), "A40-4Q");
        assert_eq!(holding(&vgpus(2)), "2 x A40-4Q");
    }
}
