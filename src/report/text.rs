//! The summary that a terminal shows: first what failed, then what a capacity planner asks.

mod asked;

use super::notes::Notes;
use super::table::{Table, alarm, paragraph, pieces};
use super::units::{Shown, bytes, count, length, reason, replications, short, time, with_interval};
use super::verdict::{self, label, label_of};
use super::words;
use crate::result::{
    EngineResult, Estimate, GpuResult, GroupResult, JobCounts, Latency, PlanInfo, QuantileEstimate,
    RunResult, ScenarioInfo, TokenResult,
};

/// Columns that a guest's name may take in a table.
pub(super) const NAME: usize = 18;

/// Renders the summary: at most 100 columns wide, the same bytes for the same result.
pub fn to_text(result: &RunResult) -> String {
    let mut page = Page {
        out: String::new(),
        notes: Notes::default(),
    };
    paragraph(&mut page.out, "", &verdict::sentence(result));
    page.out.push('\n');
    page.heading(result);
    page.failures(result);
    page.objectives(result);
    page.guests(result);
    page.delivered(result);
    page.response(result);
    page.parts(result);
    page.tokens(result);
    page.batches(result);
    page.completions(result);
    for gpu in &result.gpus {
        page.gpu(gpu, &result.guests);
    }
    if let Some(host) = &result.host {
        page.section("Host");
        page.engine(host);
    }
    page.memory(result);
    page.remarks(result);
    page.notes.write(&mut page.out);
    page.basis(result);
    page.out
}

/// The text so far, and the footnotes that it refers to.
struct Page {
    out: String,
    notes: Notes,
}

impl Page {
    fn section(&mut self, title: &str) {
        self.out.push('\n');
        self.out.push_str(title);
        self.out.push('\n');
    }

    /// A value with its interval, or with the number of the footnote that says why it has none.
    fn estimate(&mut self, estimate: &Estimate, unit: Shown, bound: &str) -> String {
        let mut text = match estimate.value {
            Some(value) => format!("{bound}{}", with_interval(value, estimate.half_width, unit)),
            None => "–".to_owned(),
        };
        if let Some(note) = reason(estimate) {
            text.push(' ');
            text.push_str(&self.notes.mark(note));
        }
        text
    }

    fn quantile(&mut self, quantile: Option<&QuantileEstimate>, bound: &str) -> String {
        let Some(quantile) = quantile else {
            return format!(
                "– {}",
                self.notes.mark("not part of this result".to_owned())
            );
        };
        let estimate = Estimate {
            value: quantile.value_ns.map(|ns| ns as f64),
            half_width: quantile.half_width_ns,
            n: 0,
            method: quantile.method,
            note: quantile.note.clone(),
            each: Vec::new(),
        };
        self.estimate(&estimate, Shown::Time, bound)
    }

    fn heading(&mut self, result: &RunResult) {
        paragraph(&mut self.out, "", &title(&result.scenario));
        pieces(&mut self.out, "", &plan_pieces(&result.plan));
        let level = short(result.plan.confidence * 100.0);
        let hash = short_hash(&result.scenario);
        pieces(
            &mut self.out,
            "",
            &[
                match result.plan.no_chance {
                    false => {
                        format!("± is the half-width of the {level} % interval over replications")
                    }
                    true => "no number has an interval".to_owned(),
                },
                format!("scenario hash {hash}"),
            ],
        );
    }

    fn failures(&mut self, result: &RunResult) {
        let failed: Vec<_> = result.checks.iter().filter(|check| !check.holds).collect();
        if failed.is_empty() {
            return;
        }
        let title = format!(
            "{} OF {} INVARIANT CHECKS FAILED. Do not use the numbers below; please report this.",
            failed.len(),
            result.checks.len()
        );
        let lines = failed.iter().map(|check| {
            let (id, what) = words::invariant(check.id);
            format!("{id} {what}: {}", words::witness(&check.witness))
        });
        alarm(&mut self.out, &title, lines);
    }

    fn guests(&mut self, result: &RunResult) {
        self.section("Guests");
        let mut table = Table::new(&[
            "guest",
            "jobs",
            "jobs/s",
            "slowdown",
            "interference",
            "verdict",
        ]);
        for group in &result.guests {
            table.row(vec![
                label(group),
                count(group.jobs.arrived),
                self.estimate(&group.throughput_per_s, Shown::Plain, ""),
                self.estimate(&group.slowdown, Shown::Plain, at_least(group)),
                self.estimate(&group.interference, Shown::Plain, at_least(group)),
                verdict::word(group, &result.objectives),
            ]);
        }
        table.render(&mut self.out);
        for group in &result.guests {
            if let Some(why) = &group.overload {
                paragraph(
                    &mut self.out,
                    "  OVERLOADED ",
                    &format!(
                        "{}: {}; its latencies are at least (≥) the values shown, and its parts are those of the jobs that ended",
                        group.name,
                        words::overload(why)
                    ),
                );
            }
        }
    }

    fn response(&mut self, result: &RunResult) {
        self.section("Response time, from arrival to end");
        self.latencies(result, |group| &group.response);
        let classes = result.guests.iter().any(|group| !group.classes.is_empty());
        if classes {
            self.section("Response time by class of jobs");
            let rows = result.guests.iter().flat_map(|group| {
                let label = label(group);
                let each = group.classes.iter();
                each.map(move |class| (format!("{label}: {}", class.name), group, &class.response))
            });
            self.latency_rows(rows.collect());
        }
        // Without queueing the service time is the response time: nothing to add.
        let queued = |group: &GroupResult| group.parts.queue_ns.value.is_some_and(|ns| ns > 0.0);
        if result.guests.iter().any(queued) {
            self.section("Service time, from the moment that a stream takes the job to its end");
            self.latencies(result, |group| &group.service);
        }
    }

    fn latencies(&mut self, result: &RunResult, which: fn(&GroupResult) -> &Latency) {
        let rows = result.guests.iter();
        self.latency_table(rows.map(|group| (group, which(group))).collect());
    }

    fn latency_table(&mut self, rows: Vec<(&GroupResult, &Latency)>) {
        let labelled = rows.into_iter();
        let labelled = labelled.map(|(group, latency)| (label(group), group, latency));
        self.latency_rows(labelled.collect());
    }

    fn latency_rows(&mut self, rows: Vec<(String, &GroupResult, &Latency)>) {
        let mut table = Table::new(&["guest", "mean", "p50", "p95", "p99", "largest"]);
        for (label, group, latency) in rows {
            let bound = at_least(group);
            let at = |p: f64| latency.quantiles.iter().find(|q| (q.p - p).abs() < 1e-9);
            table.row(vec![
                label,
                self.estimate(&latency.mean_ns, Shown::Time, bound),
                self.quantile(at(0.5), bound),
                self.quantile(at(0.95), bound),
                self.quantile(at(0.99), bound),
                match latency.largest_ns {
                    Some(ns) => format!("{bound}{}", time(ns as f64)),
                    None => "–".to_owned(),
                },
            ]);
        }
        table.render(&mut self.out);
    }

    /// What language-model engines gave their users.
    fn tokens(&mut self, result: &RunResult) {
        let served: Vec<(&GroupResult, &TokenResult)> = result
            .guests
            .iter()
            .filter_map(|group| Some((group, group.tokens.as_ref()?)))
            .collect();
        if served.is_empty() {
            return;
        }
        self.section("Time to the first token, from arrival");
        let first = served
            .iter()
            .map(|(group, tokens)| (*group, &tokens.first_token));
        self.latency_table(first.collect());
        self.section("Time between tokens of a request");
        let between = served
            .iter()
            .map(|(group, tokens)| (*group, &tokens.between_tokens));
        self.latency_table(between.collect());
        self.section("Tokens");
        let mut table = Table::new(&[
            "guest",
            "prompt",
            "answer",
            "tokens/s",
            "good requests/s",
            "preemptions",
        ]);
        for (group, tokens) in served {
            table.row(vec![
                label(group),
                self.estimate(&tokens.prompt_tokens, Shown::Plain, ""),
                self.estimate(&tokens.output_tokens, Shown::Plain, ""),
                self.estimate(&tokens.generated_per_s, Shown::Plain, ""),
                match &tokens.goodput_per_s {
                    Some(goodput) => self.estimate(goodput, Shown::Plain, ""),
                    None => "no objectives".to_owned(),
                },
                count(tokens.preemptions),
            ]);
        }
        table.render(&mut self.out);
    }

    fn parts(&mut self, result: &RunResult) {
        self.section("Where a job's time goes: mean per job (intervals: guests.csv)");
        let mut columns = vec![
            "guest",
            "queue",
            "slice wait",
            "switch",
            "GPU",
            "copy",
            "host",
        ];
        let engines = result.guests.iter().any(|g| g.parts.engine_ns.is_some());
        if engines {
            columns.push("engines");
        }
        let outside = result.guests.iter().any(|g| g.parts.outside_ns.is_some());
        if outside {
            columns.push("outside");
        }
        let mut table = Table::new(&columns);
        for group in &result.guests {
            let parts = &group.parts;
            let mut row = vec![label(group)];
            let beside_engines = [
                &parts.queue_ns,
                &parts.slice_wait_ns,
                &parts.switch_ns,
                &parts.gpu_ns,
                &parts.copy_ns,
                &parts.host_ns,
            ];
            let optional = [(engines, &parts.engine_ns), (outside, &parts.outside_ns)];
            let shown = optional.into_iter().filter(|(shown, _)| *shown);
            let all = beside_engines.into_iter().map(Some);
            for part in all.chain(shown.map(|(_, part)| part.as_ref())) {
                row.push(match part.map(|part| (part, part.value)) {
                    // A zero of any unit is a zero; the dash keeps the eye on what is there.
                    None | Some((_, Some(0.0))) => "0".to_owned(),
                    Some((_, Some(ns))) => time(ns),
                    Some((part, None)) => self.estimate(part, Shown::Time, ""),
                });
            }
            table.row(row);
        }
        table.render(&mut self.out);
    }

    fn gpu(&mut self, gpu: &GpuResult, groups: &[GroupResult]) {
        self.out.push('\n');
        paragraph(
            &mut self.out,
            &format!("GPU {}: ", gpu.name),
            &format!(
                "{} ({} SMs), {}",
                gpu.board_name,
                gpu.sms,
                words::sharing(&gpu.sharing)
            ),
        );
        let tenants: Vec<String> = groups
            .iter()
            .filter(|group| group.is_on(&gpu.name))
            .map(|group| {
                let on = group.instance.as_ref();
                format!(
                    "{}{} ({}, {}, {})",
                    label_of(group, group.count_on(&gpu.name)),
                    on.map_or(String::new(), |instance| format!(" on {instance}")),
                    words::holding(&group.holds),
                    group.workload,
                    words::load(group.load)
                )
            })
            .collect();
        self.entry("guests", &tenants);
        let split = &gpu.split;
        let parts = [
            ("useful", &split.useful),
            ("switching", &split.switching),
            ("reserved idle", &split.reserved_idle),
            ("idle", &split.idle),
        ]
        .map(|(name, part)| format!("{name} {}", self.estimate(part, Shown::Percent, "")));
        self.entry("SM time", &parts);
        let busy = [
            format!(
                "{} of wall time ({})",
                self.estimate(&gpu.gpu_time, Shown::Percent, ""),
                if gpu.instances.is_empty() {
                    "NVML utilisation"
                } else {
                    "instances weighted by their SMs"
                }
            ),
            format!(
                "{} turns/s",
                self.estimate(&gpu.turns_per_s, Shown::Plain, "")
            ),
            format!(
                "{} switches/s",
                self.estimate(&gpu.switches_per_s, Shown::Plain, "")
            ),
        ];
        self.entry("GPU time", &busy);
        for instance in &gpu.instances {
            let parts = [
                format!("{}@{}", instance.profile, instance.start),
                format!("{} SMs", instance.sms),
                words::sharing(&instance.sharing),
                format!(
                    "useful {} of its SMs x wall",
                    self.estimate(&instance.split.useful, Shown::Percent, "")
                ),
                format!(
                    "switching {}",
                    self.estimate(&instance.split.switching, Shown::Percent, "")
                ),
                format!(
                    "GPU time {}",
                    self.estimate(&instance.gpu_time, Shown::Percent, "")
                ),
            ];
            self.entry(&format!("instance {}", instance.name), &parts);
        }
        // Engines that nobody uses say nothing; they are in gpus.csv.
        let used = |engine: &&EngineResult| engine.utilisation.value != Some(0.0);
        for engine in gpu.engines.iter().filter(used) {
            self.engine(engine);
        }
        let fairness = &gpu.fairness;
        let indices = [
            ("Jain of GPU time", &fairness.jain_gpu_time),
            ("Jain of progress", &fairness.jain_progress),
            ("max/min", &fairness.max_min_ratio),
            ("ANTT", &fairness.antt),
            ("STP", &fairness.stp),
        ]
        .map(|(name, index)| format!("{name} {}", self.estimate(index, Shown::Plain, "")));
        self.entry("fairness", &indices);
        let longest = time(fairness.longest_starvation_ns as f64);
        let what = format!("{longest} at the longest, with work ready and none of the SMs");
        self.entry("starvation", &[what]);
    }

    fn engine(&mut self, engine: &EngineResult) {
        let text = format!(
            "{} busy (servers: {})",
            self.estimate(&engine.utilisation, Shown::Percent, ""),
            engine.servers
        );
        self.entry(&engine.name, &[text]);
    }

    fn memory(&mut self, result: &RunResult) {
        if result.memory.is_empty() {
            return;
        }
        self.section("Device memory: held from the beginning, and the most that was allocated");
        for memory in &result.memory {
            let of = match memory.capacity_bytes {
                Some(capacity) => format!(" of {}", bytes(capacity)),
                None => String::new(),
            };
            let text = format!(
                "{} held, {} at most{of}",
                bytes(memory.held_bytes),
                bytes(memory.largest_bytes)
            );
            self.entry(
                &format!("{} ({})", memory.name, words::memory_of(&memory.what)),
                &[text],
            );
        }
    }

    /// When guests with a number of jobs are done.
    fn completions(&mut self, result: &RunResult) {
        let done: Vec<_> = result
            .guests
            .iter()
            .filter_map(|group| Some((group, group.completion_ns.as_ref()?)))
            .collect();
        if done.is_empty() {
            return;
        }
        self.section("Completion: from a guest's start to the end of its last job");
        for (group, completion) in done {
            let text = self.estimate(completion, Shown::Time, "");
            self.entry(&label(group), &[text]);
        }
    }

    fn batches(&mut self, result: &RunResult) {
        let batching = |group: &&GroupResult| group.jobs.batches > 0;
        if !result.guests.iter().any(|group| batching(&group)) {
            return;
        }
        self.section("Batches: requests that were served together");
        for group in result.guests.iter().filter(batching) {
            let JobCounts {
                completed, batches, ..
            } = group.jobs;
            let text = format!(
                "{} batches, {:.2} requests in each on average",
                count(batches),
                completed as f64 / batches as f64
            );
            self.entry(&label(group), &[text]);
        }
    }

    /// A line of a GPU's block; the leads are padded to one width.
    fn entry(&mut self, lead: &str, text: &[String]) {
        pieces(&mut self.out, &format!("  {lead:<19} "), text);
    }

    fn remarks(&mut self, result: &RunResult) {
        let mut remarks = words::notices(result);
        let doubted = result.guests.iter();
        let doubted = doubted.filter(|group| group.warmup_check.verdict.in_doubt());
        remarks.extend(doubted.map(|group| words::warm_up(&group.name, &group.warmup_check, time)));
        if remarks.is_empty() {
            return;
        }
        self.section("Notices");
        for remark in remarks {
            paragraph(&mut self.out, "  - ", &remark);
        }
    }

    fn basis(&mut self, result: &RunResult) {
        self.out.push('\n');
        let assumptions = match result.assumptions.len() {
            0 => "No named assumption is behind these numbers.".to_owned(),
            1 => "1 named assumption is behind these numbers: see summary.json or run --explain."
                .to_owned(),
            n => format!(
                "{n} named assumptions are behind these numbers: see summary.json or run --explain."
            ),
        };
        paragraph(&mut self.out, "", &assumptions);
        if !result.checks.is_empty() && result.checks.iter().all(|check| check.holds) {
            paragraph(
                &mut self.out,
                "",
                &format!("All {} invariant checks hold.", result.checks.len()),
            );
        }
    }
}

/// Name of the scenario, and its title where it has one.
pub(super) fn title(scenario: &ScenarioInfo) -> String {
    match &scenario.title {
        Some(title) => format!("{}: {title}", scenario.name),
        None => scenario.name.clone(),
    }
}

/// As many digits of the hash as tell scenarios apart.
pub(super) fn short_hash(scenario: &ScenarioInfo) -> String {
    scenario.hash.chars().take(12).collect()
}

/// What was simulated: spans, replications, seed.
pub(super) fn plan_pieces(plan: &PlanInfo) -> [String; 3] {
    let span = if plan.warmup_ns > 0 {
        format!(
            "{} warm-up, {} window",
            length(plan.warmup_ns),
            length(plan.window_ns)
        )
    } else {
        format!("{} window, nothing removed", length(plan.window_ns))
    };
    let drain = format!("drain up to {}", length(plan.drain_ns));
    [
        format!("{}: {span}, {drain}", words::horizon(plan.horizon)),
        replications(plan),
        format!("seed {}", plan.seed),
    ]
}

/// Mark of a lower bound, where the group's latencies, and ratios of them, are lower bounds. Closed
/// guests are never overloaded.
fn at_least(group: &GroupResult) -> &'static str {
    if group.overload.is_some() { "≥ " } else { "" }
}
