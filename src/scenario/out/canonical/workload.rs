//! What a workload adds to the hash of a scenario.

use super::Writer;
use crate::workload::dist::Dist;
use crate::workload::llm::{Device, Llm};
use crate::workload::trace::Trace;
use crate::workload::windows::Window;
use crate::workload::{
    Arrivals, Batching, Class, Discipline, Entry, Frames, GpuWork, Grid, Operation, OperationKind,
    Phase, Replay, SessionLength, Size, Spacing, Stage, Workload,
};

/// `guests`: how many there are in the group.
pub(super) fn workload(out: &mut Writer, workload: &Workload, guests: u32) {
    let Workload {
        name,
        needs,
        arrivals,
        jobs,
        batch,
        timeout,
        classes,
        discipline,
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
    match discipline {
        Discipline::Streams => {}
        Discipline::Batches(Batching { max, delay }) => {
            out.put("batching", max);
            out.put("batching_delay", delay);
        }
        Discipline::Frames(Frames {
            displays,
            resolution,
            gap,
            outside,
        }) => {
            out.put("displays", displays);
            out.put("resolution", format!("{resolution:?}"));
            out.put("frame_gap", gap);
            if *outside > 0 {
                out.put("outside", outside);
            }
        }
        Discipline::LanguageModel(llm) => self::llm(out, llm),
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
