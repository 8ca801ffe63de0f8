//! The hash of a scenario: of what it means, not of how it is written.
//!
//! Each value that a run depends on is written on a line of its own with its path, lists in their
//! resolved order, floating-point numbers by their bits; SHA-256 of that text is the hash. Comments,
//! units, file order, titles and the origin of values do not enter.
//!
//! Every structure is taken apart by its fields: one that is added does not compile until it is hashed here, or
//! left out on purpose. What adds nothing in the usual case (`if`) was added later, and keeps older hashes.

mod workload;

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
use crate::workload::MediaEngine;
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
    workload::workload(out, workload, *count);
}
