//! Metrics of GPUs, their instances and engines.

use super::{longest, of, part, row};
use crate::metrics::{Metric, Observation, Reader, Reading, Section, Unit};

/// A part of the SM time of a GPU or of an instance.
macro_rules! sms {
    ($part:ident, $sum:ident) => {
        &[
            Reader::Gpu(
                |gpu| of(&gpu.split.$part),
                |gpu, _| Some(gpu.$sum as f64 / gpu.total_sm_ns.max(1) as f64),
            ),
            Reader::Instance(
                |instance| of(&instance.split.$part),
                |instance, _| Some(instance.$sum as f64 / instance.total_sm_ns().max(1) as f64),
            ),
        ]
    };
}

/// What happens on the SMs of a GPU or of an instance, a second.
macro_rules! per_second {
    ($rate:ident, $count:ident) => {
        &[
            Reader::Gpu(
                |gpu| of(&gpu.$rate),
                |gpu, window| Some(window.per_second(gpu.$count)),
            ),
            Reader::Instance(
                |instance| of(&instance.$rate),
                |instance, window| Some(window.per_second(instance.$count)),
            ),
        ]
    };
}

/// A figure of fairness.
macro_rules! fairness {
    ($name:ident) => {
        &[Reader::Gpu(
            |gpu| of(&gpu.fairness.$name),
            |gpu, _| gpu.$name,
        )]
    };
}

pub(super) static ROWS: &[Metric] = &[
    row(
        "",
        "useful",
        Unit::Fraction,
        "working for a tenant, including the time that an outgoing tenant still works while \
         it is preempted",
        sms!(useful, useful_sm_ns),
    )
    .within(Section::SmTime),
    row(
        "",
        "switching",
        Unit::Fraction,
        "saving a context, restoring one, or waiting for the scheduler's own call; inside a \
         vGPU too",
        sms!(switching, switching_sm_ns),
    )
    .lower()
    .within(Section::SmTime)
    .usual(5),
    row(
        "",
        "reserved_idle",
        Unit::Fraction,
        "held by the turn of a tenant that has nothing to run (schedulers that reserve), or \
         by a job that cannot fill them. Under MPS nobody keeps SMs from others: those that \
         are not filled are idle",
        sms!(reserved_idle, reserved_idle_sm_ns),
    )
    .lower()
    .within(Section::SmTime),
    row(
        "",
        "idle",
        Unit::Fraction,
        "nobody's",
        sms!(idle, idle_sm_ns),
    )
    .within(Section::SmTime),
    row(
        "",
        "gpu_time",
        Unit::Fraction,
        "of wall time with anything running on the SMs. NVML reports this as utilisation; a \
         job on one SM makes it 100 %. Of a GPU that is divided into instances: the mean over \
         them, weighted by their SMs",
        &[
            Reader::Gpu(
                |gpu| of(&gpu.gpu_time),
                |gpu, window| {
                    if gpu.instances.is_empty() {
                        return Some(gpu.gpu_time_ns as f64 / window.length);
                    }
                    let each = gpu.instances.iter();
                    let each = each.map(|i| i.gpu_time_ns as f64 * f64::from(i.sms));
                    part(each.sum(), gpu.total_sm_ns as f64)
                },
            ),
            Reader::Instance(
                |instance| of(&instance.gpu_time),
                |instance, window| Some(instance.gpu_time_ns as f64 / window.length),
            ),
        ],
    )
    .within(Section::Gpus)
    .also(&["utilisation", "utilization"]),
    row(
        "",
        "turns",
        Unit::PerSecond,
        "turns that started in the window",
        per_second!(turns_per_s, turns),
    )
    .within(Section::Gpus),
    row(
        "",
        "switches",
        Unit::PerSecond,
        "context switches in the window: changes of the tenant whose context is loaded, and \
         of the context inside a vGPU, unless a change of the tenant brought it about",
        per_second!(switches_per_s, switches),
    )
    .lower()
    .within(Section::Gpus),
    row(
        "",
        "jain_gpu_time",
        Unit::Index,
        "Jain's index (Σx)² / (n Σx²) of the guests' GPU time: from 1/n (one has all) to 1 \
         (equal)",
        fairness!(jain_gpu_time),
    )
    .higher()
    .within(Section::Fairness)
    .usual(3)
    .also(&["jain"])
    .heading("Jain of GPU time"),
    row(
        "",
        "jain_progress",
        Unit::Index,
        "Jain's index of the guests' progress, 1 / slowdown: from 1/n to 1",
        fairness!(jain_progress),
    )
    .higher()
    .bound()
    .within(Section::Fairness)
    .usual(2)
    .heading("Jain of progress")
    .spoken("fairness of progress"),
    row(
        "",
        "max_min_ratio",
        Unit::Ratio,
        "largest over smallest progress, from 1",
        fairness!(max_min_ratio),
    )
    .lower()
    .bound()
    .within(Section::Fairness),
    row(
        "",
        "antt",
        Unit::Ratio,
        "average normalised turnaround time: mean of the guests' slowdowns, from about 1. A \
         mean of ratios of means, not of the slowdowns of single jobs",
        fairness!(antt),
    )
    .lower()
    .bound()
    .within(Section::Fairness)
    .usual(0)
    .heading("ANTT")
    .spoken("mean slowdown"),
    row(
        "",
        "stp",
        Unit::Guests,
        "system throughput: sum of the guests' progress, up to about n",
        fairness!(stp),
    )
    .higher()
    .bound()
    .within(Section::Fairness)
    .usual(1)
    .heading("STP")
    .spoken("system throughput"),
    row(
        "",
        "longest_starvation",
        Unit::Time,
        "longest time in which a guest had work ready and none of the SMs, because of other \
         tenants or of other contexts inside its vGPU; of a group or GPU the longest over its \
         guests and replications",
        &[
            Reader::Group(
                |group| {
                    longest(
                        group
                            .members
                            .iter()
                            .map(|m| m.longest_starvation_ns)
                            .max()?,
                    )
                },
                |guest, _| Some(guest.longest_starvation_ns as f64),
            ),
            Reader::Member(|member| longest(member.longest_starvation_ns)),
            Reader::Gpu(
                |gpu| longest(gpu.fairness.longest_starvation_ns),
                |gpu, _| Some(gpu.longest_starvation_ns as f64),
            ),
        ],
    )
    .lower()
    .within(Section::Fairness)
    .usual(4)
    .also(&["starvation"])
    .spoken("longest starvation"),
    row(
        "",
        "utilisation",
        Unit::Fraction,
        "of servers × wall time, the part in which a copy or media engine (or the host cores) \
         worked",
        &[Reader::Engine(
            |engine| of(&engine.utilisation),
            |engine, window| {
                let capacity = f64::from(engine.servers.max(1)) * window.length;
                Some(engine.busy_ns as f64 / capacity)
            },
        )],
    )
    .within(Section::Gpus),
    row(
        "",
        "servers",
        Unit::Servers,
        "of an engine: how many there are",
        &[Reader::Engine(
            |engine| {
                Some(Reading::Observed(
                    Some(u64::from(engine.servers)),
                    Observation::Given,
                ))
            },
            |_, _| None,
        )],
    )
    .within(Section::Gpus)
    .not_asked(),
];
