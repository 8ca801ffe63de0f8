//! The hash of a scenario: of what it means, not of how it is written.
//!
//! Each value that a run depends on is written on a line of its own with its path, lists in their
//! resolved order, floating-point numbers by their bits; SHA-256 of that text is the hash. Comments,
//! units, file order, titles and the origin of values do not enter.

use crate::gpu::{MediaEngines, Preemption};
use crate::policy::Setting;
use crate::policy::{Terms, TimeSlice, spatial};
use crate::scenario::elements::gpu::{Division, Gpu, Share};
use crate::scenario::elements::guest::{Guest, Holds};
use crate::scenario::elements::objectives::AskedOf;
use crate::scenario::elements::run::Horizon;
use crate::scenario::settle::scenario::Scenario;
use crate::workload::dist::Dist;
use crate::workload::llm::Llm;
use crate::workload::{
    Arrivals, Entry, GpuWork, MediaEngine, OperationKind, Replay, SessionLength, Size, Spacing,
};
use sha2::{Digest, Sha256};
use std::fmt::Display;

/// Changes when the meaning of the hashed text changes.
const VERSION: u32 = 1;

/// SHA-256, hexadecimal.
pub(crate) fn hash(scenario: &Scenario) -> String {
    let mut out = Writer(Sha256::new());
    out.put("version", VERSION);
    let run = &scenario.run;
    out.put(
        "horizon",
        match run.horizon {
            Horizon::Steady => "steady",
            Horizon::Terminating => "terminating",
        },
    );
    out.put("warmup", run.warmup);
    out.put("window", run.window);
    out.put("drain", run.drain);
    out.put("replications", run.replications);
    out.put("seed", run.seed);
    out.float("confidence", run.confidence);
    out.put("baselines", run.baselines);
    out.put("timeline_bins", run.timeline_bins);
    out.put("host_cores", format!("{:?}", scenario.host_cores));
    for gpu in &scenario.gpus {
        self::gpu(&mut out, gpu);
    }
    for guest in &scenario.guests {
        self::guest(&mut out, guest);
    }
    for asked in &scenario.objectives {
        let of = match asked.of {
            AskedOf::Guest(guest) => &scenario.guests[guest].name,
            AskedOf::Gpu(gpu) => &scenario.gpus[gpu].name,
        };
        out.put("objective_of", of);
        out.put("metric", asked.objective.metric.name("."));
        out.put("relation", asked.objective.relation.sign());
        out.float("bound", asked.objective.bound);
    }
    let digest = out.0.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Writer(Sha256);

impl Writer {
    fn put(&mut self, key: &str, value: impl Display) {
        // Debug formatting escapes line breaks, so that no value can look like another line.
        let line = format!("{key}={:?}\n", value.to_string());
        self.0.update(line.as_bytes());
    }

    fn float(&mut self, key: &str, value: f64) {
        self.put(key, format!("{:016x}", value.to_bits()));
    }
}

fn gpu(out: &mut Writer, gpu: &Gpu) {
    let board = &gpu.board;
    out.put("gpu", &gpu.name);
    out.put("board", &board.id);
    out.put("sms", board.sms);
    out.put("frame_buffer_mib", board.frame_buffer_mib);
    out.put("vfs", format!("{:?}", board.vfs));
    out.put("copy_in", board.copy_engines.host_to_device);
    out.put("copy_out", board.copy_engines.device_to_host);
    media_engines(out, "engines", &board.media_engines);
    out.float("link", board.link.bytes_per_second);
    out.put("link_latency", board.link.latency);
    let switch = &board.switch;
    match switch.preemption {
        Preemption::Delay(delay) => out.put("preemption", delay),
        Preemption::KernelBoundary => out.put("preemption", "kernel-boundary"),
    }
    out.put("save", switch.save);
    out.put("restore", switch.restore);
    out.put("scheduler_call", switch.scheduler_call);
    out.put("charge", format!("{:?}", switch.charge));
    if let Some(curve) = &gpu.clock {
        for (part, clock) in curve.points() {
            out.float("clock_at", *part);
            out.float("clock", *clock);
        }
    }
    if let Some(lists) = &gpu.encoders {
        out.put("encoders", "lists");
        turns(out, &lists.turns);
        out.put("change", lists.change);
    }
    match &gpu.division {
        Division::Whole(share) => self::share(out, share),
        Division::Mig(instances) => {
            for instance in instances {
                out.put("instance", &instance.name);
                out.put("profile", &instance.profile);
                out.put("start", instance.start);
                out.float("bandwidth", instance.bandwidth);
                out.put("instance_mib", instance.frame_buffer_mib);
                out.put("instance_copy_in", instance.copy_engines.host_to_device);
                out.put("instance_copy_out", instance.copy_engines.device_to_host);
                media_engines(out, "instance_engines", &instance.media_engines);
                for compute in &instance.compute_instances {
                    out.put("compute_instance", format!("{:?}", compute.name));
                    out.put("compute_instance_sms", compute.sms);
                    self::share(out, &compute.share);
                }
            }
        }
    }
}

fn media_engines(out: &mut Writer, key: &str, engines: &MediaEngines) {
    for engine in MediaEngine::ALL {
        if engines.count(engine) > 0 {
            out.put(key, engine.word());
            out.put("count", engines.count(engine));
        }
    }
}

fn share(out: &mut Writer, share: &Share) {
    match share {
        Share::Exclusive => out.put("share", "exclusive"),
        Share::Spatial(beside) => {
            out.put("share", "spatial");
            out.float("interference", beside.interference);
            if beside.policy != spatial::MPS_DEFAULT {
                out.put("division", beside.policy.name);
            }
        }
        Share::TimeSlice(slice) => turns(out, slice),
    }
}

fn turns(out: &mut Writer, slice: &TimeSlice) {
    out.put("share", &slice.scheduler);
    out.put("slice", slice.slice);
    out.put("arr", format!("{:?}", slice.arr_factor));
    out.put("reserved_turns", format!("{:?}", slice.reserved_turns));
    if slice.extra > 0 {
        out.put("elastic_extra", slice.extra);
    }
    out.put("turns", format!("{:?}", slice.turns));
    out.put("rotation", format!("{:?}", slice.rotation));
    out.put("on_completion", format!("{:?}", slice.on_completion));
    for (name, setting) in &slice.parameters {
        match setting {
            Setting::Whole(value) => out.put(name, value),
            Setting::Number(value) => out.float(name, *value),
        }
    }
    out.put("on_idle", format!("{:?}", slice.on_idle));
    out.put("ties", format!("{:?}", slice.ties));
}

fn guest(out: &mut Writer, guest: &Guest) {
    out.put("guest", &guest.name);
    out.put("count", guest.count);
    out.put("on", guest.gpu);
    if !guest.spread.is_empty() {
        out.put("spread", format!("{:?}", guest.spread));
    }
    if guest.domain != 0 {
        out.put("domain", guest.domain);
    }
    match &guest.holds {
        Holds::Context => out.put("holds", "context"),
        Holds::Client { sms } => {
            out.put("holds", "client");
            out.put("client_sms", format!("{sms:?}"));
        }
        Holds::Vgpu {
            type_name,
            number,
            frame_buffer_mib,
        } => {
            out.put("holds", type_name);
            out.put("vgpus", number);
            out.put("vgpu_mib", frame_buffer_mib);
        }
        Holds::Process { machine, each, sms } => {
            out.put("holds", "process");
            out.put("inside", machine);
            out.put("each", each);
            out.put("client_sms", format!("{sms:?}"));
        }
    }
    if let Some(within) = &guest.within {
        share(out, &within.share);
        out.put("own_sms", format!("{:?}", within.sms));
    }
    out.put("start", guest.start);
    out.put("order", guest.order);
    out.put("streams", guest.streams);
    out.put("queue", format!("{:?}", guest.queue));
    out.put("deadline", format!("{:?}", guest.deadline));
    if guest.terms != Terms::default() {
        out.put("terms", format!("{:?}", guest.terms));
    }
    if let Some(memory) = &guest.memory {
        out.put("held", memory.held);
        out.put("limit", format!("{:?}", memory.limit));
        out.put("vgpu", format!("{:?}", memory.vgpu));
    }
    let workload = &guest.workload;
    if let Some(batch) = &workload.batch {
        dist(out, "batch", batch);
    }
    for class in &workload.classes {
        out.put("class", &class.name);
        out.float("part", class.part);
    }
    if let Some(timeout) = &workload.timeout {
        dist(out, "timeout", timeout);
    }
    if let Some(memory) = &workload.memory {
        size(out, "memory", memory);
    }
    out.put("workload", &workload.name);
    out.put("needs", format!("{:?}", workload.needs));
    match &workload.arrivals {
        Arrivals::Open { gap, first } => {
            dist(out, "gap", gap);
            out.put("first", format!("{first:?}"));
        }
        Arrivals::Closed { users, think } => {
            out.put("users", users);
            dist(out, "think", think);
        }
        Arrivals::Paced {
            period,
            jitter,
            first,
        } => {
            out.put("period", period);
            dist(out, "jitter", jitter);
            out.put("first", format!("{first:?}"));
        }
        Arrivals::Sessions { gap, think, length } => {
            dist(out, "session_gap", gap);
            dist(out, "think", think);
            match length {
                SessionLength::Requests(requests) => dist(out, "requests", requests),
                SessionLength::Time(time) => dist(out, "lasts", time),
            }
        }
        Arrivals::Modulated { phases, spacing } => {
            if *spacing == Spacing::Regular {
                out.put("spacing", "regular");
            }
            for phase in phases {
                dist(out, "stay", &phase.stay);
                out.float("phase_gap", phase.gap.unwrap_or(0.0));
            }
        }
        Arrivals::Trace { trace, replay } => {
            self::replay(out, replay, guest.count);
            out.put("columns", format!("{:?}", trace.columns));
            for arrival in &trace.arrivals {
                out.put("at", arrival);
            }
            for value in &trace.values {
                out.float("cell", *value);
            }
        }
        Arrivals::Windowed { windows, replay } => {
            self::replay(out, replay, guest.count);
            for window in windows.iter() {
                out.put("ends", window.ends);
                if let Some(gaps) = &window.gaps {
                    out.float("mean_gap", gaps.mean);
                    dist(out, "gap", &gaps.whole);
                }
            }
        }
    }
    if let Some(jobs) = workload.jobs {
        out.put("jobs", jobs);
    }
    if let Some(batching) = &workload.batching {
        out.put("batching", batching.max);
        out.put("batching_delay", batching.delay);
    }
    if let Some(frames) = &workload.frames {
        out.put("displays", frames.displays);
        out.put("resolution", format!("{:?}", frames.resolution));
        out.put("frame_gap", frames.gap);
        if frames.outside > 0 {
            out.put("outside", frames.outside);
        }
    }
    if let Some(llm) = &workload.llm {
        self::llm(out, llm);
    }
    for stage in &workload.stages {
        out.put("stage", &stage.name);
        if (stage.every, stage.repeat) != (1, 1) {
            out.put("stage_every", stage.every);
            out.put("stage_repeat", stage.repeat);
        }
        for operation in &stage.operations {
            out.put("operation", &operation.name);
            match &operation.kind {
                OperationKind::Host { time } => size(out, "host", time),
                OperationKind::Copy { direction, bytes } => {
                    out.put("copy", format!("{direction:?}"));
                    size(out, "bytes", bytes);
                }
                OperationKind::Media {
                    engine,
                    time,
                    factor,
                } => {
                    size(out, engine.word(), time);
                    if *factor != 1.0 {
                        out.float("factor", *factor);
                    }
                }
                OperationKind::Gpu(work) => gpu_work(out, work),
                OperationKind::Iteration { reach, bandwidth } => {
                    out.put("iteration", format!("{reach:?} {bandwidth}"));
                }
            }
        }
    }
}

fn replay(out: &mut Writer, replay: &Replay, guests: u32) {
    out.float("keep", replay.keep);
    if let Some(period) = replay.period {
        out.put("begins_anew", period);
    }
    if replay.delay > 0 {
        out.put("begins", replay.delay);
    }
    // One guest enters at the begin either way.
    if replay.entry != Entry::Start && (replay.entry != Entry::Apart || guests > 1) {
        out.put("entry", format!("{:?}", replay.entry));
        out.put("cycle", replay.cycle);
    }
}

fn gpu_work(out: &mut Writer, work: &GpuWork) {
    size(out, "gpu", &work.time);
    out.put("sms", format!("{:?}", work.sms));
    out.float("speed", work.speed);
    out.put("kernel", format!("{:?}", work.kernel));
    if work.memory_bound != 0.0 {
        out.float("memory_bound", work.memory_bound);
        if let Some(reach) = work.reach {
            out.float("reach", reach);
        }
    }
    if let Some(part) = work.arithmetic {
        out.float("arithmetic", part);
    }
    if let Some(grid) = work.grid {
        out.put("blocks", grid.blocks);
        out.put("blocks_per_sm", grid.blocks_per_sm);
    }
}

fn llm(out: &mut Writer, llm: &Llm) {
    out.put("llm", format!("{:?}", llm.model));
    out.float("llm_flops", llm.device.flops);
    out.float("llm_bytes", llm.device.bytes);
    out.float("llm_launch", llm.device.launch);
    size(out, "prompt", &llm.prompt);
    size(out, "output", &llm.output);
    out.put("context", llm.context);
    out.put("max_requests", llm.max_requests);
    out.put("max_tokens", llm.max_tokens);
    out.put("blocks", llm.blocks);
    out.put("block", llm.block);
    out.put("first_token", format!("{:?}", llm.first_token));
    out.put("between_tokens", format!("{:?}", llm.between_tokens));
}

fn size(out: &mut Writer, key: &str, size: &Size) {
    match size {
        Size::Drawn(drawn) => dist(out, key, drawn),
        Size::Sum {
            base,
            per_item,
            terms,
        } => {
            out.float(key, *base);
            if *per_item != 0.0 {
                out.float("per_item", *per_item);
            }
            for (column, coefficient) in terms {
                out.put("column", column);
                out.float("coefficient", *coefficient);
            }
        }
        Size::ByBatch(table) => {
            for (requests, value) in table {
                out.put(key, requests);
                out.float("value", *value);
            }
        }
    }
}

fn dist(out: &mut Writer, key: &str, dist: &Dist) {
    let (family, parameters): (&str, Vec<f64>) = match dist {
        Dist::Constant(value) => ("constant", vec![*value]),
        Dist::Uniform { low, high } => ("uniform", vec![*low, *high]),
        Dist::Exponential { mean } => ("exponential", vec![*mean]),
        Dist::Gamma { shape, scale } => ("gamma", vec![*shape, *scale]),
        Dist::Weibull { shape, scale } => ("weibull", vec![*shape, *scale]),
        Dist::Lognormal { mu, sigma } => ("lognormal", vec![*mu, *sigma]),
        Dist::Hyperexponential { p, mean1, mean2 } => {
            ("hyperexponential", vec![*p, *mean1, *mean2])
        }
        Dist::BoundedPareto { alpha, low, high } => ("bounded-pareto", vec![*alpha, *low, *high]),
        Dist::Triangular { low, mode, high } => ("triangular", vec![*low, *mode, *high]),
        Dist::Beta {
            alpha,
            beta,
            low,
            high,
        } => ("beta", vec![*alpha, *beta, *low, *high]),
        Dist::Pareto { alpha, low } => ("pareto", vec![*alpha, *low]),
        Dist::Frechet { alpha, scale } => ("frechet", vec![*alpha, *scale]),
        Dist::InverseGaussian { mean, scv } => ("inverse-gaussian", vec![*mean, *scv]),
        Dist::Poisson { count, unit } => ("poisson", vec![*count, *unit]),
        Dist::Zipf { n, s, unit } => ("zipf", vec![f64::from(*n), *s, *unit]),
        Dist::Geometric { p, unit } => ("geometric", vec![*p, *unit]),
        Dist::Empirical { values, cumulative } => {
            out.put("weights", format!("{cumulative:?}"));
            ("empirical", values.clone())
        }
    };
    out.put(key, family);
    for parameter in parameters {
        out.float("parameter", parameter);
    }
}
