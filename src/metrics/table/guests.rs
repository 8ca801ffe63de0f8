//! Metrics of guest groups and their members.

use super::{of, part, row};
use crate::metrics::{
    Metric, Need, Observation, Reader, Reading, Section, Statistic, Unit, Window,
};
use crate::result::{JobCounts, Member, ReplicationGuest};

/// Mean over the jobs that ended of a sum over them.
fn per_job(sum: u128, guest: &ReplicationGuest) -> Option<f64> {
    part(sum as f64, guest.jobs.completed as f64)
}

fn of_arrived(count: u64, guest: &ReplicationGuest) -> Option<f64> {
    part(count as f64, guest.jobs.arrived as f64)
}

fn counted(count: u64) -> Option<Reading<'static>> {
    Some(Reading::Observed(Some(count), Observation::Counted))
}

/// Of a count that is shown where it happened.
fn happened(count: u64) -> Option<Reading<'static>> {
    if count > 0 { counted(count) } else { None }
}

fn member_response(member: &Member, statistic: Statistic) -> Option<Reading<'_>> {
    match statistic {
        Statistic::Mean => of(&member.mean_response_ns),
        Statistic::Quantile(0.95) => Some(Reading::Observed(
            member.p95_response_ns,
            Observation::Pooled,
        )),
        Statistic::Quantile(_) => None,
        Statistic::Largest => Some(Reading::Observed(
            member.largest_response_ns,
            Observation::Largest,
        )),
    }
}

macro_rules! jobs {
    ($read:expr, $count:expr) => {
        &[
            Reader::Group(
                |group| {
                    let read: fn(u64) -> Option<Reading<'static>> = $read;
                    let count: fn(&JobCounts) -> u64 = $count;
                    read(count(&group.jobs))
                },
                |guest, _: &Window| {
                    let count: fn(&JobCounts) -> u64 = $count;
                    Some(count(&guest.jobs) as f64)
                },
            ),
            Reader::Member(|member| {
                let read: fn(u64) -> Option<Reading<'static>> = $read;
                let count: fn(&JobCounts) -> u64 = $count;
                read(count(&member.jobs))
            }),
        ]
    };
}

/// A part of the time of a mean job.
macro_rules! job_part {
    ($part:ident) => {
        &[Reader::Group(
            |group| of(&group.parts.$part),
            |guest, _| per_job(guest.parts.$part, guest),
        )]
    };
}

/// The same, of a part that only some guests have.
macro_rules! optional_part {
    ($part:ident) => {
        &[Reader::Group(
            |group| group.parts.$part.as_ref().and_then(of),
            |guest, _| per_job(guest.parts.$part, guest),
        )]
    };
}

pub(super) static ROWS: &[Metric] = &[
    row(
        "jobs",
        "arrived",
        Unit::Jobs,
        "jobs that arrived in the window",
        jobs!(counted, |jobs| jobs.arrived),
    )
    .not_asked(),
    row(
        "jobs",
        "completed",
        Unit::Jobs,
        "of these: jobs that ended",
        jobs!(counted, |jobs| jobs.completed),
    )
    .not_asked(),
    row(
        "jobs",
        "dropped",
        Unit::Jobs,
        "of these: jobs that a full queue turned away, and frames that a newer one replaced",
        jobs!(counted, |jobs| jobs.dropped),
    )
    .lower()
    .not_asked(),
    row(
        "jobs",
        "unfinished",
        Unit::Jobs,
        "of these: jobs still there at the drain bound",
        jobs!(counted, |jobs| jobs.unfinished),
    )
    .lower()
    .not_asked(),
    row(
        "jobs",
        "out_of_memory",
        Unit::Jobs,
        "of these: jobs for which less device memory was free than they allocate; shown where \
         it happened",
        jobs!(happened, |jobs| jobs.out_of_memory),
    )
    .lower()
    .not_asked(),
    row(
        "jobs",
        "timed_out",
        Unit::Jobs,
        "of these: jobs that no stream took before their `timeout`; shown where it happened",
        jobs!(happened, |jobs| jobs.timed_out),
    )
    .lower()
    .not_asked(),
    row(
        "",
        "batches",
        Unit::Batches,
        "of a guest with `batching`: batches whose oldest request arrived in the window",
        jobs!(happened, |jobs| jobs.batches),
    )
    .not_asked(),
    row(
        "",
        "batch_size",
        Unit::Requests,
        "of a guest with `batching`: completed requests over batches",
        &[Reader::Group(
            |group| group.batch_size.as_ref().and_then(of),
            |guest, _| part(guest.jobs.completed as f64, guest.jobs.batches as f64),
        )],
    )
    .needs(Need::Batching),
    row(
        "",
        "throughput",
        Unit::PerSecond,
        "jobs of the group that ended in the window, divided by the window",
        &[
            Reader::Group(
                |group| of(&group.throughput_per_s),
                |guest, window| Some(window.per_second(guest.ended_in_window)),
            ),
            Reader::Member(|member| of(&member.throughput_per_s)),
        ],
    )
    .higher()
    .usual(6),
    row(
        "",
        "frames_per_second",
        Unit::PerSecond,
        "of a guest that shows `frames`: frames that were delivered in the window, divided by \
         the window; mean over the members",
        &[Reader::Group(
            |group| group.frames_per_s.as_ref().and_then(of),
            |guest, window| Some(window.per_second(guest.ended_in_window) / window.members),
        )],
    )
    .higher()
    .needs(Need::Frames),
    row(
        "response",
        "",
        Unit::Time,
        "from the arrival of a job to its end, queueing included",
        &[
            Reader::Latency(|group| Some(&group.response), |guest| Some(&guest.response)),
            Reader::MemberLatency(member_response),
        ],
    )
    .lower()
    .bound()
    .usual(7)
    .spoken("response times"),
    row(
        "response",
        "",
        Unit::Time,
        "from the arrival of a job of class NAME to its end, for workloads with `classes`",
        &[Reader::Classes],
    )
    .lower()
    .bound(),
    row(
        "service",
        "",
        Unit::Time,
        "from the moment that one of the guest's streams takes the job to its end",
        &[Reader::Latency(
            |group| Some(&group.service),
            |guest| Some(&guest.service),
        )],
    )
    .lower()
    .bound()
    .aside(),
    row(
        "part",
        "queue",
        Unit::Time,
        "waiting for a stream of its guest",
        job_part!(queue_ns),
    )
    .lower()
    .within(Section::Parts)
    .aside(),
    row(
        "part",
        "slice_wait",
        Unit::Time,
        "ready for the SMs, which another tenant, another context of its vGPU, or nobody \
         holds",
        job_part!(slice_wait_ns),
    )
    .lower()
    .within(Section::Parts)
    .aside(),
    row(
        "part",
        "switch",
        Unit::Time,
        "waiting for a context switch towards its own tenant, or inside a vGPU towards its \
         own context",
        job_part!(switch_ns),
    )
    .lower()
    .within(Section::Parts)
    .aside(),
    row("part", "gpu", Unit::Time, "on the SMs", job_part!(gpu_ns))
        .lower()
        .within(Section::Parts)
        .aside(),
    row(
        "part",
        "copy",
        Unit::Time,
        "copying, or waiting for a copy engine",
        job_part!(copy_ns),
    )
    .lower()
    .within(Section::Parts)
    .aside(),
    row(
        "part",
        "host",
        Unit::Time,
        "on host cores, or waiting for one",
        job_part!(host_ns),
    )
    .lower()
    .within(Section::Parts)
    .aside(),
    row(
        "part",
        "engine",
        Unit::Time,
        "on a media engine, or waiting for one or for its turn there; only for guests that \
         use one",
        optional_part!(engine_ns),
    )
    .lower()
    .within(Section::Parts)
    .aside()
    .needs(Need::MediaEngine),
    row(
        "part",
        "outside",
        Unit::Time,
        "a frame in the network and at the client; only where a scenario says that these add \
         something",
        optional_part!(outside_ns),
    )
    .lower()
    .within(Section::Parts)
    .aside()
    .needs(Need::Outside),
    row(
        "",
        "late_fraction",
        Unit::Fraction,
        "of the jobs that ended, those whose response exceeds the guest's deadline; absent \
         without a deadline",
        &[Reader::Group(
            |group| group.late_fraction.as_ref().and_then(of),
            |guest, _| per_job(u128::from(guest.late?), guest),
        )],
    )
    .lower()
    .bound()
    .needs(Need::Deadline)
    .also(&["late"]),
    row(
        "",
        "dropped_fraction",
        Unit::Fraction,
        "of the jobs that arrived, those that were dropped",
        &[Reader::Group(
            |group| of(&group.dropped_fraction),
            |guest, _| of_arrived(guest.jobs.dropped, guest),
        )],
    )
    .lower()
    .also(&["dropped"]),
    row(
        "",
        "timed_out_fraction",
        Unit::Fraction,
        "of the jobs that arrived, those that no stream took in time; of workloads with a \
         `timeout`",
        &[Reader::Group(
            |group| group.timed_out_fraction.as_ref().and_then(of),
            |guest, _| of_arrived(guest.jobs.timed_out, guest),
        )],
    )
    .lower()
    .needs(Need::Timeout)
    .also(&["timed_out"]),
    row(
        "",
        "out_of_memory_fraction",
        Unit::Fraction,
        "of the jobs that arrived, those that failed for lack of device memory; of guests \
         whose jobs allocate some",
        &[Reader::Group(
            |group| group.out_of_memory_fraction.as_ref().and_then(of),
            |guest, _| of_arrived(guest.jobs.out_of_memory, guest),
        )],
    )
    .lower()
    .needs(Need::Memory)
    .also(&["out_of_memory"]),
    row(
        "",
        "completion",
        Unit::Time,
        "of guests with a number of `jobs`: from the start of a guest to the end of its last \
         job, mean over the members; no value where not all jobs ended within the run",
        &[Reader::Group(
            |group| group.completion_ns.as_ref().and_then(of),
            |guest, window| Some(guest.completion_ns? as f64 / window.members),
        )],
    )
    .lower()
    .needs(Need::Jobs),
    row(
        "first_token",
        "",
        Unit::Time,
        "of a language model: from the arrival of a request to its first token",
        &[Reader::Latency(
            |group| Some(&group.tokens.as_ref()?.first_token),
            |guest| Some(&guest.tokens.as_ref()?.first_token),
        )],
    )
    .lower()
    .bound()
    .needs(Need::LanguageModel),
    row(
        "between_tokens",
        "",
        Unit::Time,
        "between consecutive tokens of a request; every gap is an observation of its own",
        &[Reader::Latency(
            |group| Some(&group.tokens.as_ref()?.between_tokens),
            |guest| Some(&guest.tokens.as_ref()?.between_tokens),
        )],
    )
    .lower()
    .bound()
    .needs(Need::LanguageModel),
    row(
        "",
        "prompt_tokens",
        Unit::Tokens,
        "mean tokens of a prompt, of requests that ended",
        &[Reader::Group(
            |group| of(&group.tokens.as_ref()?.prompt_tokens),
            |guest, _| per_job(u128::from(guest.tokens.as_ref()?.prompt_tokens), guest),
        )],
    )
    .needs(Need::LanguageModel),
    row(
        "",
        "output_tokens",
        Unit::Tokens,
        "mean tokens of an answer, of requests that ended",
        &[Reader::Group(
            |group| of(&group.tokens.as_ref()?.output_tokens),
            |guest, _| per_job(u128::from(guest.tokens.as_ref()?.output_tokens), guest),
        )],
    )
    .needs(Need::LanguageModel),
    row(
        "",
        "generated",
        Unit::TokensPerSecond,
        "tokens that the group generated in the window, divided by the window",
        &[Reader::Group(
            |group| of(&group.tokens.as_ref()?.generated_per_s),
            |guest, window| Some(window.per_second(guest.tokens.as_ref()?.generated)),
        )],
    )
    .higher()
    .needs(Need::LanguageModel),
    row(
        "",
        "goodput",
        Unit::PerSecond,
        "requests of the window that ended and met the objectives of their engine, divided by \
         the window. `first_token` is for the time to the first token, `between_tokens` for \
         the mean time between the tokens of the request (as in DistServe, OSDI 2024)",
        &[Reader::Group(
            |group| group.tokens.as_ref()?.goodput_per_s.as_ref().and_then(of),
            |guest, window| Some(window.per_second(guest.tokens.as_ref()?.good?)),
        )],
    )
    .higher()
    .needs(Need::TokenObjectives),
    row(
        "",
        "preemptions",
        Unit::Requests,
        "requests that found no room in the cache, lost theirs and were sent back to the \
         queue, in the window",
        &[Reader::Group(
            |group| counted(group.tokens.as_ref()?.preemptions),
            |guest, _| Some(guest.tokens.as_ref()?.preemptions as f64),
        )],
    )
    .lower()
    .not_asked(),
    row(
        "",
        "slowdown",
        Unit::Ratio,
        "mean response over the mean response of the same draws alone on the undivided board; \
         of closed guests the ratio of throughputs, alone over shared",
        &[
            Reader::Group(|group| of(&group.slowdown), |guest, _| guest.slowdown),
            Reader::Member(|member| of(&member.slowdown)),
        ],
    )
    .lower()
    .bound()
    .usual(8),
    row(
        "",
        "interference",
        Unit::Ratio,
        "mean response over the mean response of the same draws alone on the guest's own share; of \
         closed guests the ratio of throughputs",
        &[
            Reader::Group(
                |group| of(&group.interference),
                |guest, _| guest.interference,
            ),
            Reader::Member(|member| of(&member.interference)),
        ],
    )
    .lower()
    .bound(),
    row(
        "",
        "gpu_time_share",
        Unit::Fraction,
        "of its GPU's wall time in the window, the part in which the guest ran; mean over the \
         members. Under MPS several guests run at once. The time of a process inside a \
         virtual machine is its own, and not also the machine's",
        &[
            Reader::Group(
                |group| of(&group.gpu_time_share),
                |guest, window| Some(guest.ran_ns as f64 / window.members / window.length),
            ),
            Reader::Member(|member| of(&member.gpu_time_share)),
        ],
    ),
    row(
        "",
        "warmup_suggested",
        Unit::Time,
        "what MSER-5 would remove from the start, judged on the mean over replications",
        &[Reader::Group(
            |group| {
                Some(Reading::Observed(
                    group.warmup_check.suggested_ns,
                    Observation::Mser5,
                ))
            },
            |_, _| None,
        )],
    )
    .not_asked(),
    row(
        "",
        "backlog_middle",
        Unit::Jobs,
        "jobs in the system at the middle of the window; in the table of replications",
        &[Reader::Group(
            |_| None,
            |guest, _| Some(guest.backlog_middle as f64),
        )],
    )
    .lower()
    .not_asked(),
    row(
        "",
        "backlog_end",
        Unit::Jobs,
        "jobs in the system at the end of the window; in the table of replications",
        &[Reader::Group(
            |_| None,
            |guest, _| Some(guest.backlog_end as f64),
        )],
    )
    .lower()
    .not_asked(),
];
