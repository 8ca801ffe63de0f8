//! What a run found to be wrong or in doubt.

use super::reason;
use crate::metrics::{Statistic, write_nanos};
use crate::result::{
    Check, Finding, Growth, Invariant, NoChance, Overload, RunResult, WarmupCheck, WarmupVerdict,
    Witness,
};

/// Short name of an invariant, and the invariant in words.
pub fn invariant(id: Invariant) -> (&'static str, &'static str) {
    match id {
        Invariant::I1 => (
            "I1",
            "SM time is conserved: useful + switching + reserved-idle + idle = SMs x wall",
        ),
        Invariant::I2 => (
            "I2",
            "nobody runs while another holds the SMs: running times add up to the GPU time",
        ),
        Invariant::I3 => (
            "I3",
            "jobs are neither lost nor invented: arrived = completed + dropped + in flight",
        ),
        Invariant::I4 => (
            "I4",
            "a cause precedes its effect, and the parts of a response add up to it",
        ),
        Invariant::I5 => ("I5", "frame buffer is never oversubscribed"),
    }
}

/// Short names of broken invariants, in a list.
pub fn broken(ids: impl IntoIterator<Item = Invariant>) -> String {
    let names: Vec<&str> = ids.into_iter().map(|id| invariant(id).0).collect();
    names.join(", ")
}

/// Figures behind the verdict on an invariant.
pub fn witness(witness: &Witness) -> String {
    match witness {
        Witness::Edges { wrong, of } => format!("{wrong} of {of} sampling edges disagree"),
        Witness::Clocks { apart_ns } => format!("{apart_ns} ns of difference"),
        Witness::Guests { wrong, jobs } => format!("{jobs} jobs; {wrong} guests disagree"),
        Witness::Jobs { wrong, of } => format!("{wrong} of {of} jobs disagree"),
        Witness::FrameBuffer { gpus } => {
            let each = gpus.iter();
            let each =
                each.map(|gpu| format!("{}: {} of {} MiB", gpu.gpu, gpu.reserved_mib, gpu.of_mib));
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

/// Why latencies of a guest are lower bounds.
pub fn overload(why: &Overload) -> String {
    match why {
        Overload::Unfinished { jobs } => {
            format!("{jobs} jobs of the window were unfinished when the drain bound was reached")
        }
        Overload::Growing { jobs } => format!(
            "the backlog grew by {jobs:.0} jobs a replication over the last half of the window"
        ),
    }
}

/// What is wrong with the warm-up of a guest, and in brackets what would be right, which `length` writes.
pub fn warm_up(guest: &str, check: &WarmupCheck, length: impl Fn(f64) -> String) -> String {
    let verdict = match check.verdict {
        WarmupVerdict::Adequate => "adequate",
        WarmupVerdict::TooShort => "too short",
        WarmupVerdict::RunTooShort => "run too short",
        WarmupVerdict::NotEnoughData => "not enough data",
        WarmupVerdict::Terminating => "none (terminating)",
    };
    let hint = match check.suggested_ns {
        Some(ns) => format!(" (MSER-5 would remove {})", length(ns as f64)),
        None => String::new(),
    };
    format!("warm-up of {guest}: {verdict}{hint}")
}

/// What is to be known of a run as a whole.
pub fn notices(result: &RunResult) -> Vec<String> {
    let mut notices = result.notices.clone();
    notices.extend(result.growth.iter().map(growth));
    notices.extend(result.no_chance.as_ref().and_then(no_chance));
    notices
}

fn growth(found: &Growth) -> String {
    format!(
        "the response of {} grows over the window: {} on average for jobs of its first third, {} for those \
         of its last ({} window); over a longer period it would be longer",
        found.guest,
        milliseconds(found.first_ns),
        milliseconds(found.last_ns),
        milliseconds(found.window_ns as f64),
    )
}

fn no_chance(found: &NoChance) -> Option<String> {
    let what = match (found.everything, found.guests.as_slice()) {
        (true, _) => "this scenario".to_owned(),
        (false, []) => return None,
        (false, guests) => format!("what {} meet", guests.join(", ")),
    };
    Some(format!(
        "nothing in {what} is drawn: all replications are the same, so there is no interval and no test; drawn \
         arrivals, sizes or think times, or a part of a trace drawn anew in each replication, bring chance \
         (docs/statistics.md)"
    ))
}

/// What a check of a run found: its kind, the guest that it is about (nobody where it is about the run), and the
/// words.
pub fn finding(found: &Finding) -> (&'static str, &str, String) {
    const NOTICE: &str = "notice";
    match found {
        Finding::Invariant(Check { id, witness: w, .. }) => {
            let (name, what) = invariant(*id);
            ("invariant", "", format!("{name}: {what}: {}", witness(w)))
        }
        Finding::Remark(text) => (NOTICE, "", text.clone()),
        Finding::Growth(found) => (NOTICE, "", growth(found)),
        Finding::NoChance(found) => (NOTICE, "", no_chance(found).unwrap_or_default()),
        Finding::Overload(found) => ("overload", &found.guest, overload(&found.why)),
        Finding::WarmUp { guest, check } => ("warm-up", guest, warm_up(guest, check, write_nanos)),
        Finding::Data {
            guest,
            quantiles,
            why,
        } => {
            let names = quantiles.iter().map(|p| Statistic::Quantile(*p).name());
            let names = names.collect::<Vec<_>>().join(", ");
            let why = why.as_ref().map_or("no interval".to_owned(), reason);
            ("data", guest, format!("{names} of {guest}: {why}"))
        }
    }
}

/// A duration as people read it, to three digits.
fn milliseconds(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns >= 1e9 => (ns / 1e9, "s"),
        ns => (ns / 1e6, "ms"),
    };
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {unit}")
}
