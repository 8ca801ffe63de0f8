//! `mode = "spatial"`: CUDA contexts side by side, as clients of MPS.

use crate::policy::spatial;
use crate::scenario::elements::gpu::{Gpu, Share, SideBySide};
use crate::scenario::elements::guest::{Guest, Holds};
use crate::scenario::elements::sharing::{Part, Tenancy};
use crate::scenario::key::checker::{Checker, Reported, Span};
use crate::scenario::key::field::Key;
use crate::scenario::read::raw::{RawGuest, RawScenario, RawShare};

/// The share of a domain whose contexts are clients of MPS.
pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    raw: &RawShare,
    span: &Span,
    tenancy: &Tenancy,
) -> Option<Share> {
    let before = c.findings.0.len();
    let why = "under MPS nobody takes turns";
    let instead = "remove it, or use mode = \"time-slice\"";
    crate::scenario::elements::sharing::no_turns(c, raw, why, instead);
    let mode = raw.mode.as_ref().map_or(span, |field| &field.span).clone();
    if !c.neutral {
        check_clients(c, path, &mode, tenancy);
    }
    let interference = interference(c, path, &raw.interference)?;
    let policy = match &raw.division {
        Some(field) => field.value.0,
        None => spatial::MPS_DEFAULT,
    };
    if let Some(field) = &raw.division
        && policy.fixed_parts
        && tenancy.part == Part::Vgpu
    {
        let title = format!("no `{}` inside a vGPU", policy.name);
        let help = "give the processes `active_thread_percentage`, or use another division";
        c.error(
            &field.span,
            title,
            "parts are of a whole GPU or instance",
            help,
        );
    }
    let path = format!("{path}.division");
    match &raw.division {
        Some(field) => c.file_value(&path, policy.name, &field.span),
        None => c.by_default(&path, policy.name),
    }
    (c.findings.0.len() == before).then_some(Share::Spatial(SideBySide {
        policy,
        interference,
    }))
}

/// Refuses more clients than MPS serves there.
fn check_clients(c: &mut Checker, path: &str, mode: &Span, tenancy: &Tenancy) {
    let most = c.assume(&format!("{path}.clients"), "mps.clients", None);
    let Ok(board) = most.parse::<u64>() else {
        return; // an assumption that is no number was refused where it was read
    };
    let (most, label, key) = match tenancy.slices {
        Some((slices, all)) => {
            let key = "mps.instance_clients";
            match c
                .assume(&format!("{path}.instance_clients"), key, None)
                .as_str()
            {
                "compute-slices" => {
                    let most = (board * u64::from(slices) / u64::from(all.max(1))).max(1);
                    let label = format!(
                        "MPS serves at most {most} contexts here: {slices} of {all} compute slices, \
                         and {board} for the whole GPU"
                    );
                    (most, label, key)
                }
                _ => (
                    board,
                    format!("MPS serves at most {board} contexts"),
                    "mps.clients",
                ),
            }
        }
        None => {
            let label = format!("MPS serves at most {board} contexts on a GPU");
            (board, label, "mps.clients")
        }
    };
    if tenancy.tenants > most {
        let title = format!("{} clients of one MPS server", tenancy.tenants);
        let help = match key {
            "mps.clients" => {
                "fewer guests, or another value for the assumption \"mps.clients\" (60 from CUDA 13.1)"
            }
            _ => {
                "fewer guests, a larger instance, or another value for the assumption \
                 \"mps.instance_clients\" (`undivided`: no less than on a whole GPU)"
            }
        };
        c.error(mode, title, label, help);
    }
}

/// Fixed parts of the SMs, for the clients of a domain that have no cap of their own. To be called when
/// all guests are known.
pub(crate) fn fixed_parts(c: &mut Checker, raw: &RawScenario, gpus: &[Gpu], guests: &mut [Guest]) {
    for index in 0..guests.len() {
        let guest = &guests[index];
        if guest.holds != (Holds::Client { sms: None }) {
            continue;
        }
        let mut parts: Vec<(u32, u32)> = Vec::new(); // of how many SMs
        for gpu in guest.gpus() {
            let domain = gpus[gpu].domains()[guest.domain];
            if matches!(domain.share, Share::Spatial(beside) if beside.policy.fixed_parts) {
                let beside = guests.iter().filter(|other| other.domain == guest.domain);
                let weights = beside
                    .map(|other| u64::from(other.terms.weight) * u64::from(other.count_on(gpu)));
                let part = spatial::fixed_part(domain.sms, guest.terms.weight, weights.sum());
                parts.push((part, domain.sms));
            }
        }
        parts.dedup();
        match parts.as_slice() {
            [] => {}
            [(part, all)] => {
                let path = format!("guests.{}.active_thread_percentage", guest.name);
                c.by_default(&path, format!("{part} of {all} SMs"));
                guests[index].holds = Holds::Client { sms: Some(*part) };
            }
            [(one, _), (other, _), ..] => {
                let span = raw.guests.get(&guest.name).map_or(0..0, |field| {
                    let count = field.value.count.as_ref().map(|count| &count.span);
                    count.unwrap_or(&field.span).clone()
                });
                let title = format!("the parts of guest `{}` would not be equal", guest.name);
                let label = format!("{one} SMs on one GPU of the card, {other} on another");
                let help = "a `count` that its GPUs divide evenly, or give the guests \
                            `active_thread_percentage`";
                c.error(&span, title, label, help);
            }
        }
    }
}

fn interference(c: &mut Checker, path: &str, key: &Key<f64>) -> Option<f64> {
    let path = format!("{path}.interference");
    match key {
        Some(given) if (0.0..=10.0).contains(&given.value) => {
            c.file_value(&path, given.value.to_string(), &given.span);
            Some(given.value)
        }
        Some(given) => {
            let label = "must be from 0 (none) to 10";
            let help = "0.1 = ten percent longer";
            c.error(&given.span, "`interference` is out of range", label, help);
            None
        }
        None if c.neutral => {
            c.by_default(&path, "0");
            Some(0.0)
        }
        None => c.assume(&path, "mps.interference", None).parse().ok(),
    }
}

/// The SMs that a client may fill: its active thread percentage of `sms`, rounded down as the driver
/// does, at least one.
///
/// Source: NVIDIA Multi-Process Service guide, `CUDA_MPS_ACTIVE_THREAD_PERCENTAGE`
/// (<https://docs.nvidia.com/deploy/mps/index.html>).
pub(crate) fn cap(percentage: f64, sms: u32) -> u32 {
    ((f64::from(sms) * percentage / 100.0).floor() as u32).clamp(1, sms)
}

/// The cap of a guest in SMs; `Err` where an error was reported.
pub(crate) fn guest_cap(
    c: &mut Checker,
    path: &str,
    guest: &RawGuest,
    sms: u32,
) -> Result<Option<u32>, Reported> {
    let Some(field) = &guest.active_thread_percentage else {
        return Ok(None);
    };
    if !(field.value > 0.0 && field.value <= 100.0) {
        let label = "must be above 0 and at most 100";
        c.error(
            &field.span,
            "`active_thread_percentage` is out of range",
            label,
            "",
        );
        return Err(Reported);
    }
    let cap = cap(field.value, sms);
    let text = format!("{} ({cap} of {sms} SMs)", field.value);
    c.file_value(
        &format!("{path}.active_thread_percentage"),
        text,
        &field.span,
    );
    Ok(Some(cap))
}

/// `active_thread_percentage` where nothing is shared in space.
pub(crate) fn refuse_cap(c: &mut Checker, key: &Key<f64>) {
    let why = "this guest is no client of MPS";
    let instead = "remove it, or share with mode = \"spatial\"";
    c.no_effect(key, "active_thread_percentage", why, instead);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_rounded_down_to_whole_sms() {
        assert_eq!(cap(50.0, 108), 54);
        assert_eq!(cap(10.0, 108), 10);
        assert_eq!(cap(0.1, 108), 1);
        assert_eq!(cap(100.0, 80), 80);
    }
}
