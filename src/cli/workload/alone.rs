//! A workload alone on a board: with its own load, and kept busy.

use crate::cli::gpus::{json, wrap};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::Bar;
use crate::cli::{Failure, note};
use crate::experiment;
use crate::report::words;
use crate::result::{Estimate, GroupResult, Latency, RunResult};
use crate::scenario::preset::Preset;
use crate::scenario::{Draft, Overrides, Scenario};
use crate::workload::{Arrivals, Discipline, Workload};
use std::fmt::Write;
use std::path::Path;

/// Requests that a language-model engine is kept busy with.
const ENGINE_USERS: u32 = 64;
/// Busy part from which something counts as the limit.
const FULL: f64 = 0.95;

/// What came of it.
pub(super) struct Alone {
    name: String,
    about: String,
    board: String,
    own: RunResult,
    /// `None` where the workload's own users never pause.
    busy: Option<(u32, RunResult)>,
    limit: String,
}

/// Runs the workload; two runs unless its own users never pause.
pub(super) fn run(
    preset: &Preset,
    board: &str,
    seed: u64,
    boards: Option<&Path>,
    quiet: bool,
) -> Result<Alone, Failure> {
    Interrupt::install()?;
    let own = scenario(preset, board, seed, boards, None)?;
    let users = users(&own.guests[0].workload, preset.streams);
    let first = simulate(&own, quiet)?;
    let busy = match users {
        None => None,
        Some(users) => {
            let scenario = scenario(preset, board, seed, boards, Some(users))?;
            Some((users, simulate(&scenario, quiet)?))
        }
    };
    let limit = limit(busy.as_ref().map_or(&first, |(_, busy)| busy));
    Ok(Alone {
        name: preset.name.to_owned(),
        about: preset.about.clone(),
        board: first.gpus[0].board_name.clone(),
        own: first,
        busy,
        limit,
    })
}

/// Users who keep the workload busy; `None` if its own do.
fn users(workload: &Workload, streams: u32) -> Option<u32> {
    if matches!(workload.arrivals, Arrivals::Closed { .. }) {
        return None;
    }
    Some(match &workload.discipline {
        Discipline::Batches(batching) => 2 * streams * batching.max,
        Discipline::LanguageModel(_) => ENGINE_USERS,
        Discipline::Frames(_) => 1,
        Discipline::Streams => streams,
    })
}

fn scenario(
    preset: &Preset,
    board: &str,
    seed: u64,
    boards: Option<&Path>,
    users: Option<u32>,
) -> Result<Scenario, Failure> {
    // Requests to a language model last for seconds.
    let (duration, warmup) = match preset.kind.as_str() {
        "llm" => ("120s", "30s"),
        _ => ("20s", "5s"),
    };
    let name = preset.name;
    let mut draft = Draft::new();
    draft
        .set(["title"], format!("{name} alone on {board}"))
        .set(["run", "duration"], duration)
        .set(["run", "warmup"], warmup)
        .set(["run", "replications"], 3)
        .set(["run", "baselines"], false)
        .set(["gpus", "board", "board"], board)
        .set(["guests", "alone", "context"], true)
        .set(["guests", "alone", "streams"], i64::from(preset.streams))
        .set(["guests", "alone", "workload"], name)
        .set(["workloads", name, "preset"], name);
    match users {
        Some(users) => {
            let arrivals = ["workloads", name, "arrivals"];
            draft.set(arrivals.into_iter().chain(["process"]), "closed");
            draft.set(arrivals.into_iter().chain(["users"]), i64::from(users));
        }
        None => {
            if let Some(queue) = preset.queue {
                draft.set(["guests", "alone", "queue"], i64::from(queue));
            }
        }
    }
    let overrides = Overrides {
        seed: Some(seed),
        boards: boards.map(Path::to_owned),
        ..Overrides::default()
    };
    let loaded = draft.check(name, Path::new("."), &overrides);
    loaded.map(|loaded| loaded.scenario).map_err(|findings| {
        let text: String = findings.iter().map(|finding| finding.render()).collect();
        Failure::BadInput(text)
    })
}

fn simulate(scenario: &Scenario, quiet: bool) -> Result<RunResult, Failure> {
    let bar = Bar::new(quiet);
    let outcome = experiment::run(scenario, &experiment::Options::default(), &bar);
    bar.clear();
    let result = outcome.map_err(|error| Failure::Running(format!("error: {error}")))?;
    for check in result.checks.iter().filter(|check| !check.holds) {
        note(&format!(
            "warning: {} does not hold: {}",
            words::invariant(check.id).1,
            words::witness(&check.witness)
        ));
    }
    Ok(result)
}

/// What the run with most load is limited by, in a sentence.
fn limit(result: &RunResult) -> String {
    let group = &result.guests[0];
    let gpu = &result.gpus[0];
    let part = |estimate: &Estimate| estimate.value.unwrap_or(0.0);
    let sms = part(&group.gpu_time_share);
    let engine = gpu
        .engines
        .iter()
        .max_by(|a, b| part(&a.utilisation).total_cmp(&part(&b.utilisation)));
    let percent = |part: f64| format!("{:.0} %", 100.0 * part);
    if let Some(engine) = engine
        && part(&engine.utilisation) >= FULL
    {
        return format!(
            "{}: busy {} of the time; the SMs {}.",
            engine.name,
            percent(part(&engine.utilisation)),
            percent(sms)
        );
    }
    if sms >= FULL {
        let filled = part(&gpu.split.useful);
        return format!(
            "the GPU: something runs on it {} of the time, on {} of its SMs on average.",
            percent(sms),
            percent(filled / sms)
        );
    }
    let response = part(&group.response.mean_ns).max(1.0);
    let served = (response - part(&group.parts.queue_ns)).max(1.0);
    let parts = [
        ("host work", part(&group.parts.host_ns)),
        ("copies over PCIe", part(&group.parts.copy_ns)),
        (
            "media engines",
            group.parts.engine_ns.as_ref().map_or(0.0, part),
        ),
        ("GPU work", part(&group.parts.gpu_ns)),
    ];
    let longest = parts.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let (name, time) = longest.copied().unwrap_or(("nothing", 0.0));
    format!(
        "no part of the board: each stream does one thing after the other, {} of it {name}, and the GPU is \
         busy {} of the time. Other work fits beside it.",
        percent(time / served),
        percent(sms)
    )
}

impl Alone {
    pub fn json(&self) -> Result<String, Failure> {
        let load = |result: &RunResult| {
            let group = &result.guests[0];
            let quantile = |p: f64| {
                let found = group
                    .response
                    .quantiles
                    .iter()
                    .find(|q| (q.p - p).abs() < 1e-9);
                found.and_then(|quantile| quantile.value_ns)
            };
            let tokens = group.tokens.as_ref().map(|tokens| {
                serde_json::json!({
                    "first_token_mean_ns": tokens.first_token.mean_ns.value,
                    "between_tokens_mean_ns": tokens.between_tokens.mean_ns.value,
                    "generated_per_s": tokens.generated_per_s.value,
                })
            });
            serde_json::json!({
                "jobs_per_s": group.throughput_per_s.value,
                "mean_response_ns": group.response.mean_ns.value,
                "p95_response_ns": quantile(0.95),
                "dropped": group.jobs.dropped,
                "overloaded": group.overload.is_some(),
                "gpu_time_share": group.gpu_time_share.value,
                "tokens": tokens,
            })
        };
        let uses: serde_json::Map<_, _> = uses(&self.own)
            .into_iter()
            .map(|(name, part)| (name, part.into()))
            .collect();
        json(&serde_json::json!({
            "workload": self.name,
            "board": self.board,
            "own_load": load(&self.own),
            "kept_busy": self.busy.as_ref().map(|(users, result)| {
                serde_json::json!({ "users": users, "result": load(result) })
            }),
            "uses": uses,
            "limit": self.limit,
        }))
    }

    pub fn text(&self) -> String {
        let mut text = format!("{} alone on {}\n", self.name, self.board);
        wrap(&mut text, "  ", 2, &self.about);
        text.push('\n');
        let own = &self.own.guests[0];
        let lead = if self.busy.is_some() {
            "own load"
        } else {
            "as it is"
        };
        wrap(&mut text, &format!("  {lead:<11} "), 14, &load(own));
        if let Some((users, busy)) = &self.busy {
            let who = match users {
                1 => "1 user who never pauses: ".to_owned(),
                users => format!("{users} users who never pause: "),
            };
            let words = who + &load(&busy.guests[0]);
            wrap(&mut text, "  kept busy   ", 14, &words);
        }
        if self.busy.is_some() {
            let words = several(&uses(&self.own), own.overload.is_some());
            wrap(&mut text, "  several     ", 14, &words);
        }
        wrap(&mut text, "  limit       ", 14, &self.limit);
        text
    }
}

/// What of the board a run keeps busy, and for which part of the time: the most used first.
fn uses(result: &RunResult) -> Vec<(String, f64)> {
    let engines = result.gpus[0].engines.iter();
    let mut uses: Vec<(String, f64)> = engines
        .map(|engine| (engine.name.clone(), engine.utilisation.value.unwrap_or(0.0)))
        .collect();
    let sms = result.guests[0].gpu_time_share.value.unwrap_or(0.0);
    uses.push(("SMs".to_owned(), sms));
    uses.retain(|&(_, part)| part > 0.0);
    uses.sort_by(|a, b| b.1.total_cmp(&a.1));
    uses
}

/// How many guests with this load a board can have at most.
fn several(uses: &[(String, f64)], overloaded: bool) -> String {
    let words: Vec<String> = uses
        .iter()
        .map(|(name, part)| format!("{name} {} %", figure(100.0 * part)))
        .collect();
    let Some((name, part)) = uses.first() else {
        return "it uses nothing of the board".to_owned();
    };
    let words = words.join(", ");
    if overloaded || *part >= FULL {
        return format!("busy for its own load: {words}. There is no room for another.");
    }
    format!(
        "busy for its own load: {words}. {} of them would fill {name}: plan for fewer, and see what becomes \
         of their latencies in a scenario with that `count`.",
        (1.0 / part).floor()
    )
}

/// Throughput and latencies of a run in words.
fn load(group: &GroupResult) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let rate = group.throughput_per_s.value.unwrap_or(0.0);
    let _ = write!(
        text,
        "{} jobs/s, response {}",
        figure(rate),
        times(&group.response)
    );
    if group.jobs.batches > 0 {
        let size = group.jobs.completed as f64 / group.jobs.batches as f64;
        let _ = write!(text, ", batches of {size:.1}");
    }
    if let Some(tokens) = &group.tokens {
        let generated = tokens.generated_per_s.value.unwrap_or(0.0);
        let _ = write!(
            text,
            "; {} tokens/s, first token {}, between tokens {}",
            figure(generated),
            times(&tokens.first_token),
            times(&tokens.between_tokens)
        );
    }
    if group.jobs.dropped > 0 {
        let part = 100.0 * group.jobs.dropped as f64 / group.jobs.arrived.max(1) as f64;
        let _ = write!(text, "; {part:.1} % dropped");
    }
    if group.overload.is_some() {
        text.push_str("; OVERLOADED: latencies are lower bounds");
    }
    text
}

fn times(latency: &Latency) -> String {
    let millis = |ns: Option<f64>| match ns {
        Some(ns) if ns >= 1e9 => format!("{} s", figure(ns / 1e9)),
        Some(ns) => format!("{} ms", figure(ns / 1e6)),
        None => "–".to_owned(),
    };
    let p95 = latency.quantiles.iter().find(|q| (q.p - 0.95).abs() < 1e-9);
    let p95 = p95
        .and_then(|quantile| quantile.value_ns)
        .map(|ns| ns as f64);
    format!(
        "{} mean, {} p95",
        millis(latency.mean_ns.value),
        millis(p95)
    )
}

/// Three significant digits.
fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}
