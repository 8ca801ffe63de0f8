//! The hash of a scenario: of what it means, not of how it is written.
//!
//! Each value that a run depends on is written on a line of its own with its path, lists in their
//! resolved order, floating-point numbers by their bits; SHA-256 of that text is the hash. Comments,
//! units, file order, titles and the origin of values do not enter.
//!
//! Every structure is taken apart by its fields: one that is added does not compile until it is hashed here, or
//! left out on purpose. What adds nothing in the usual case (`if`) was added later, and keeps older hashes.

use crate::gpu::{Board, CopyEngines, Link, MediaEngines, Preemption, SwitchCost};
use crate::metrics::objective::Objective;
use crate::policy::{Setting, Terms, TimeSlice, spatial};
use crate::scenario::elements::gpu::{
    ComputeInstance, Division, EncoderLists, Gpu, GpuInstance, Share, SideBySide,
};
use crate::scenario::elements::guest::{Guest, GuestMemory, Holds, Within};
use crate::scenario::elements::objectives::{Asked, AskedOf};
use crate::scenario::elements::run::{Horizon, RunPlan};
use crate::scenario::settle::scenario::Scenario;
use crate::workload::dist::Dist;
use crate::workload::llm::{Device, Llm};
use crate::workload::trace::Trace;
use crate::workload::windows::Window;
use crate::workload::{
    Arrivals, Batching, Class, Entry, Frames, GpuWork, Grid, MediaEngine, Operation, OperationKind,
    Phase, Replay, SessionLength, Size, Spacing, Stage, Workload,
};
use sha2::{Digest, Sha256};
use std::fmt::Display;

/// Changes when the meaning of the hashed text changes.
const VERSION: u32 = 1;

/// SHA-256, hexadecimal.
pub(crate) fn hash(scenario: &Scenario) -> String {
    let mut out = Writer(Sha256::new());
    out.put("version", VERSION);
    // Names and texts for reports, and the hash itself, do not enter.
    let Scenario {
        name: _,
        title: _,
        hash: _,
        run,
        gpus,
        host_cores,
        guests,
        objectives,
        resolved: _,
        notices: _,
    } = scenario;
    let RunPlan {
        horizon,
        warmup,
        window,
        drain,
        replications,
        seed,
        confidence,
        baselines,
        timeline_bins,
    } = run;
    out.put(
        "horizon",
        match horizon {
            Horizon::Steady => "steady",
            Horizon::Terminating => "terminating",
        },
    );
    out.put("warmup", warmup);
    out.put("window", window);
    out.put("drain", drain);
    out.put("replications", replications);
    out.put("seed", seed);
    out.float("confidence", *confidence);
    out.put("baselines", baselines);
    out.put("timeline_bins", timeline_bins);
    out.put("host_cores", format!("{host_cores:?}"));
    for gpu in gpus {
        self::gpu(&mut out, gpu);
    }
    for guest in guests {
        self::guest(&mut out, guest);
    }
    for Asked { of, objective } in objectives {
        let of = match of {
            AskedOf::Guest(guest) => &guests[*guest].name,
            AskedOf::Gpu(gpu) => &gpus[*gpu].name,
        };
        out.put("objective_of", of);
        let Objective {
            metric,
            relation,
            bound,
            text: _,
        } = objective;
        out.put("metric", metric.name("."));
        out.put("relation", relation.sign());
        out.float("bound", *bound);
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
    let Gpu {
        name,
        board,
        clock,
        division,
        encoders,
    } = gpu;
    // What the driver prints, and what the other facts follow from.
    let Board {
        id,
        name: _,
        architecture: _,
        sms,
        frame_buffer_mib,
        vfs,
        copy_engines,
        media_engines,
        link,
        switch,
    } = board;
    let Link {
        bytes_per_second,
        latency,
    } = link;
    let SwitchCost {
        preemption,
        save,
        restore,
        scheduler_call,
        charge,
    } = switch;
    out.put("gpu", name);
    out.put("board", id);
    out.put("sms", sms);
    out.put("frame_buffer_mib", frame_buffer_mib);
    out.put("vfs", format!("{vfs:?}"));
    self::copy_engines(out, ["copy_in", "copy_out"], copy_engines);
    self::media_engines(out, "engines", media_engines);
    out.float("link", *bytes_per_second);
    out.put("link_latency", latency);
    match preemption {
        Preemption::Delay(delay) => out.put("preemption", delay),
        Preemption::KernelBoundary => out.put("preemption", "kernel-boundary"),
    }
    out.put("save", save);
    out.put("restore", restore);
    out.put("scheduler_call", scheduler_call);
    out.put("charge", format!("{charge:?}"));
    if let Some(curve) = clock {
        for (part, clock) in curve.points() {
            out.float("clock_at", *part);
            out.float("clock", *clock);
        }
    }
    if let Some(EncoderLists { turns, change }) = encoders {
        out.put("encoders", "lists");
        self::turns(out, turns);
        out.put("change", change);
    }
    match division {
        Division::Whole(share) => self::share(out, share),
        Division::Mig(instances) => {
            for instance in instances {
                self::instance(out, instance);
            }
        }
    }
}

fn instance(out: &mut Writer, instance: &GpuInstance) {
    let GpuInstance {
        name,
        profile,
        start,
        bandwidth,
        frame_buffer_mib,
        sms: _, // those of the profile; what is used are the compute instances'
        copy_engines,
        media_engines,
        compute_instances,
    } = instance;
    out.put("instance", name);
    out.put("profile", profile);
    out.put("start", start);
    out.float("bandwidth", *bandwidth);
    out.put("instance_mib", frame_buffer_mib);
    self::copy_engines(out, ["instance_copy_in", "instance_copy_out"], copy_engines);
    self::media_engines(out, "instance_engines", media_engines);
    for compute in compute_instances {
        let ComputeInstance {
            name,
            sms,
            slices: _, // of the profile too
            share,
        } = compute;
        out.put("compute_instance", format!("{name:?}"));
        out.put("compute_instance_sms", sms);
        self::share(out, share);
    }
}

fn copy_engines(out: &mut Writer, [into, from]: [&str; 2], engines: &CopyEngines) {
    let CopyEngines {
        host_to_device,
        device_to_host,
    } = engines;
    out.put(into, host_to_device);
    out.put(from, device_to_host);
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
        Share::Spatial(SideBySide {
            policy,
            interference,
        }) => {
            out.put("share", "spatial");
            out.float("interference", *interference);
            if *policy != spatial::MPS_DEFAULT {
                out.put("division", policy.name);
            }
        }
        Share::TimeSlice(slice) => turns(out, slice),
    }
}

fn turns(out: &mut Writer, turns: &TimeSlice) {
    let TimeSlice {
        scheduler,
        slice,
        arr_factor,
        reserved_turns,
        extra,
        turns,
        rotation,
        on_completion,
        on_idle,
        ties,
        parameters,
    } = turns;
    out.put("share", scheduler);
    out.put("slice", slice);
    out.put("arr", format!("{arr_factor:?}"));
    out.put("reserved_turns", format!("{reserved_turns:?}"));
    if *extra > 0 {
        out.put("elastic_extra", extra);
    }
    out.put("turns", format!("{turns:?}"));
    out.put("rotation", format!("{rotation:?}"));
    out.put("on_completion", format!("{on_completion:?}"));
    for (name, setting) in parameters {
        match setting {
            Setting::Whole(value) => out.put(name, value),
            Setting::Number(value) => out.float(name, *value),
        }
    }
    out.put("on_idle", format!("{on_idle:?}"));
    out.put("ties", format!("{ties:?}"));
}

fn guest(out: &mut Writer, guest: &Guest) {
    let Guest {
        name,
        count,
        gpu,
        spread,
        domain,
        holds,
        within,
        start,
        order,
        streams,
        queue,
        deadline,
        terms,
        memory,
        workload,
    } = guest;
    out.put("guest", name);
    out.put("count", count);
    out.put("on", gpu);
    if !spread.is_empty() {
        out.put("spread", format!("{spread:?}"));
    }
    if *domain != 0 {
        out.put("domain", domain);
    }
    match holds {
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
    if let Some(Within { share, sms }) = within {
        self::share(out, share);
        out.put("own_sms", format!("{sms:?}"));
    }
    out.put("start", start);
    out.put("order", order);
    out.put("streams", streams);
    out.put("queue", format!("{queue:?}"));
    out.put("deadline", format!("{deadline:?}"));
    if *terms != Terms::default() {
        out.put("terms", format!("{terms:?}"));
    }
    if let Some(GuestMemory { held, limit, vgpu }) = memory {
        out.put("held", held);
        out.put("limit", format!("{limit:?}"));
        out.put("vgpu", format!("{vgpu:?}"));
    }
    self::workload(out, workload, *count);
}

/// `guests`: how many there are in the group.
fn workload(out: &mut Writer, workload: &Workload, guests: u32) {
    let Workload {
        name,
        needs,
        arrivals,
        jobs,
        batch,
        timeout,
        classes,
        batching,
        frames,
        llm,
        memory,
        stages,
    } = workload;
    if let Some(batch) = batch {
        dist(out, "batch", batch);
    }
    for Class { name, part } in classes {
        out.put("class", name);
        out.float("part", *part);
    }
    if let Some(timeout) = timeout {
        dist(out, "timeout", timeout);
    }
    if let Some(memory) = memory {
        size(out, "memory", memory);
    }
    out.put("workload", name);
    out.put("needs", format!("{needs:?}"));
    self::arrivals(out, arrivals, guests);
    if let Some(jobs) = jobs {
        out.put("jobs", jobs);
    }
    if let Some(Batching { max, delay }) = batching {
        out.put("batching", max);
        out.put("batching_delay", delay);
    }
    if let Some(frames) = frames {
        let Frames {
            displays,
            resolution,
            gap,
            outside,
        } = frames;
        out.put("displays", displays);
        out.put("resolution", format!("{resolution:?}"));
        out.put("frame_gap", gap);
        if *outside > 0 {
            out.put("outside", outside);
        }
    }
    if let Some(llm) = llm {
        self::llm(out, llm);
    }
    for stage in stages {
        let Stage {
            name,
            every,
            repeat,
            operations,
        } = stage;
        out.put("stage", name);
        if (*every, *repeat) != (1, 1) {
            out.put("stage_every", every);
            out.put("stage_repeat", repeat);
        }
        for Operation { name, kind } in operations {
            out.put("operation", name);
            match kind {
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

fn arrivals(out: &mut Writer, arrivals: &Arrivals, guests: u32) {
    match arrivals {
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
            for Phase { gap, stay } in phases {
                dist(out, "stay", stay);
                out.float("phase_gap", gap.unwrap_or(0.0));
            }
        }
        Arrivals::Trace { trace, replay } => {
            self::replay(out, replay, guests);
            let Trace {
                arrivals,
                columns,
                values,
                origin: _,
                remarks: _,
            } = &**trace;
            out.put("columns", format!("{columns:?}"));
            for arrival in arrivals {
                out.put("at", arrival);
            }
            for value in values {
                out.float("cell", *value);
            }
        }
        Arrivals::Windowed { windows, replay } => {
            self::replay(out, replay, guests);
            for Window { ends, gaps } in windows.iter() {
                out.put("ends", ends);
                if let Some(gaps) = gaps {
                    out.float("mean_gap", gaps.mean);
                    dist(out, "gap", &gaps.whole);
                }
            }
        }
    }
}

fn replay(out: &mut Writer, replay: &Replay, guests: u32) {
    let Replay {
        keep,
        period,
        cycle,
        entry,
        delay,
    } = replay;
    out.float("keep", *keep);
    if let Some(period) = period {
        out.put("begins_anew", period);
    }
    if *delay > 0 {
        out.put("begins", delay);
    }
    // One guest enters at the begin either way.
    if *entry != Entry::Start && (*entry != Entry::Apart || guests > 1) {
        out.put("entry", format!("{entry:?}"));
        out.put("cycle", cycle);
    }
}

fn gpu_work(out: &mut Writer, work: &GpuWork) {
    let GpuWork {
        time,
        sms,
        memory_bound,
        reach,
        grid,
        arithmetic,
        speed,
        kernel,
    } = work;
    size(out, "gpu", time);
    out.put("sms", format!("{sms:?}"));
    out.float("speed", *speed);
    out.put("kernel", format!("{kernel:?}"));
    if *memory_bound != 0.0 {
        out.float("memory_bound", *memory_bound);
        if let Some(reach) = reach {
            out.float("reach", *reach);
        }
    }
    if let Some(part) = arithmetic {
        out.float("arithmetic", *part);
    }
    if let Some(Grid {
        blocks,
        blocks_per_sm,
    }) = grid
    {
        out.put("blocks", blocks);
        out.put("blocks_per_sm", blocks_per_sm);
    }
}

fn llm(out: &mut Writer, llm: &Llm) {
    let Llm {
        model,
        device,
        prompt,
        output,
        context,
        max_requests,
        max_tokens,
        blocks,
        block,
        first_token,
        between_tokens,
    } = llm;
    let Device {
        flops,
        bytes,
        launch,
    } = device;
    out.put("llm", format!("{model:?}"));
    out.float("llm_flops", *flops);
    out.float("llm_bytes", *bytes);
    out.float("llm_launch", *launch);
    size(out, "prompt", prompt);
    size(out, "output", output);
    out.put("context", context);
    out.put("max_requests", max_requests);
    out.put("max_tokens", max_tokens);
    out.put("blocks", blocks);
    out.put("block", block);
    out.put("first_token", format!("{first_token:?}"));
    out.put("between_tokens", format!("{between_tokens:?}"));
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
