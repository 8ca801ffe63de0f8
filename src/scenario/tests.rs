//! Rules of resolution, on small scenarios.

use crate::gpu::{Charge, Preemption};
use crate::policy::TimeSlice;
use crate::scenario::*;
use std::path::Path;

fn load_text(text: &str) -> Loaded {
    match parse(
        "test",
        text,
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scenario")),
        &Overrides::default(),
    ) {
        Ok(loaded) => loaded,
        Err(findings) => panic!("{}", crate::diagnostics::Diagnostics(findings).render()),
    }
}

/// A scenario with `guests` of a type on a board, and lines of its share table.
fn shared(board: &str, holds: &str, share: &str) -> Scenario {
    load_text(&format!(
        "[run]\nduration = \"10s\"\n[gpus.a]\nboard = \"{board}\"\n[gpus.a.share]\n{share}\n\
         [guests.g]\n{holds}\nworkload = \"w\"\n[workloads.w]\n\
         arrivals = {{ process = \"poisson\", rate = \"10/s\" }}\nstages.s.gpu.time = \"4ms\"\n"
    ))
    .scenario
}

fn slice(scenario: &Scenario) -> TimeSlice {
    match &scenario.gpus[0].division {
        Division::Whole(Share::TimeSlice(slice)) => slice.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn slices_follow_the_vendors_table() {
    let few = "vgpu = \"A40-8Q\""; // at most 6 on an A40
    let many = "vgpu = \"A40-4Q\""; // at most 12
    for (holds, share, nanos, arr) in [
        (few, "scheduler = \"equal-share\"", 2_083_333, Some(33)),
        (many, "scheduler = \"equal-share\"", 1_041_667, Some(33)),
        (
            few,
            "scheduler = \"fixed-share\"\narr = false",
            2_000_000,
            None,
        ),
        (
            many,
            "scheduler = \"fixed-share\"\narr = false",
            1_000_000,
            None,
        ),
        (
            few,
            "scheduler = \"equal-share\"\nfrequency = \"63Hz\"",
            15_873_016,
            Some(33),
        ),
        (
            few,
            "scheduler = \"equal-share\"\nfrequency = \"10Hz\"",
            15_873_016,
            Some(33),
        ),
        (
            few,
            "scheduler = \"equal-share\"\nfrequency = \"5kHz\"",
            1_041_667,
            Some(33),
        ),
        (
            few,
            "scheduler = \"equal-share\"\nfrequency = \"0Hz\"",
            2_083_333,
            Some(33),
        ),
        (
            few,
            "scheduler = \"equal-share\"\naveraging_factor = 0",
            2_083_333,
            Some(33),
        ),
        (
            few,
            "scheduler = \"equal-share\"\naveraging_factor = 99",
            2_083_333,
            Some(60),
        ),
        (
            few,
            "scheduler = \"equal-share\"\narr = false\nslice = \"40ms\"",
            30_000_000,
            None,
        ),
        (
            few,
            "scheduler = \"equal-share\"\narr = false\nslice = \"200us\"",
            1_000_000,
            None,
        ),
        (
            few,
            "scheduler = \"equal-share\"\narr = false\nslice = \"0ms\"",
            2_000_000,
            None,
        ),
        (few, "", 1_024_000, None),
        ("context = true", "", 1_024_000, None),
    ] {
        let resolved = slice(&shared("a40", holds, share));
        assert_eq!(
            (resolved.slice, resolved.arr_factor),
            (nanos, arr),
            "{holds} {share}"
        );
    }
    let a100 = slice(&shared("a100-sxm4-40gb", "context = true", ""));
    assert_eq!(a100.slice, 2_000_000);
    assert_eq!(a100.scheduler, "round-robin");
}

#[test]
fn clamps_are_told() {
    let share = "scheduler = \"equal-share\"\nfrequency = \"10Hz\"\naveraging_factor = 99";
    let scenario = shared("a40", "vgpu = \"A40-8Q\"", share);
    assert_eq!(scenario.notices.len(), 2, "{:?}", scenario.notices);
    assert!(shared("a40", "vgpu = \"A40-8Q\"", "").notices.is_empty());
}

#[test]
fn a_fixed_share_round_is_the_types_maximum() {
    let share = "scheduler = \"fixed-share\"";
    let resolved = slice(&shared("a40", "vgpu = \"A40-4Q\"", share));
    assert_eq!(resolved.reserved_turns, Some(12));
    let contexts = "scheduler = \"fixed-share\"\nreserved_turns = 4\narr = false\nslice = \"3ms\"";
    let resolved = slice(&shared("a40", "context = true", contexts));
    assert_eq!(
        (resolved.reserved_turns, resolved.slice),
        (Some(4), 3_000_000)
    );
}

/// `RmPVMRLElasticSchedulingCap` = 0x0003000A: 3/10 of a slice of 2,083,333 ns. The largest is 32.
#[test]
fn an_elastic_cap_is_a_part_of_a_slice() {
    for (cap, extra, notices) in [("0", 0, 0), ("0.3", 625_000, 0), ("40", 66_666_656, 1)] {
        let share = format!("scheduler = \"fixed-share\"\nelastic_cap = {cap}");
        let scenario = shared("a40", "vgpu = \"A40-8Q\"", &share);
        assert_eq!(slice(&scenario).extra, extra);
        assert_eq!(scenario.notices.len(), notices, "{:?}", scenario.notices);
    }
}

#[test]
fn switch_costs_are_assumed_and_can_be_changed() {
    let scenario = shared("a40", "context = true", "");
    let cost = scenario.gpus[0].board.switch;
    assert_eq!(cost.save + cost.restore, 100_000);
    assert_eq!(cost.charge, Charge::PerTenantChange);
    let assumed = |s: &Scenario| {
        let is = |r: &&Resolved| matches!(r.origin, Origin::Assumption { .. });
        s.resolved.iter().filter(is).count()
    };
    assert!(assumed(&scenario) > 5);
    let text = "[run]\nduration = \"10s\"\n[gpus.a]\nboard = \"a40\"\n\
        switch = { preemption = \"kernel-boundary\", save = \"1us\" }\n\
        [guests.g]\ncontext = true\nworkload = \"w\"\n[workloads.w]\n\
        arrivals = { process = \"poisson\", rate = \"10/s\" }\nstages.s.gpu.time = \"4ms\"\n\
        [assumptions]\n\"switch.restore\" = \"7us\"\n";
    let cost = load_text(text).scenario.gpus[0].board.switch;
    assert_eq!((cost.save, cost.restore), (1_000, 7_000));
    assert_eq!(cost.preemption, Preemption::KernelBoundary);
}

const NEUTRAL: &str = "preset = \"neutral\"\n[run]\nduration = \"10s\"\n[gpus.a]\n\
    board = \"neutral\"\nshare = { scheduler = \"equal-share\", slice = \"50us\" }\n\
    [guests.g]\ncontext = true\ncount = 3\nworkload = \"w\"\n[workloads.w]\n\
    arrivals = { process = \"poisson\", rate = \"10/s\" }\nsequence = [\"c\", \"s\"]\n\
    stages.c.copy-in.bytes = \"8MiB\"\nstages.s.gpu.time = \"4ms\"\n";

#[test]
fn neutral_assumes_nothing_and_costs_nothing() {
    let scenario = load_text(NEUTRAL).scenario;
    let board = &scenario.gpus[0].board;
    assert_eq!(board.sms, 100);
    assert_eq!(board.link.bytes_per_second, f64::INFINITY);
    let switch = board.switch;
    assert_eq!(
        (
            board.link.latency,
            switch.save,
            switch.restore,
            switch.scheduler_call
        ),
        (0, 0, 0, 0)
    );
    assert_eq!(switch.preemption, Preemption::Delay(0));
    let resolved = slice(&scenario);
    assert_eq!((resolved.slice, resolved.arr_factor), (50_000, None)); // no clamp, no ARR
    let assumed = |r: &Resolved| matches!(r.origin, Origin::Assumption { .. });
    assert!(!scenario.resolved.iter().any(assumed));
    assert!(scenario.notices.is_empty());
}

#[test]
fn copies_use_the_slot_times_the_assumed_efficiency() {
    let text = "[run]\nduration = \"10s\"\n[gpus.a]\nboard = \"a40\"\n[guests.g]\ncontext = true\n\
        workload = \"w\"\n[workloads.w]\narrivals = { process = \"closed\" }\n\
        stages.c.copy-in.bytes = \"8MiB\"\n";
    let link = load_text(text).scenario.gpus[0].board.link;
    assert!((link.bytes_per_second / (31.507_692e9 * 0.8) - 1.0).abs() < 1e-6);
    assert_eq!(link.latency, 10_000);
}

#[test]
fn the_hash_is_of_the_meaning() {
    let hash = |text: &str| load_text(text).scenario.hash;
    let first = hash(NEUTRAL);
    assert_eq!(first.len(), 64);
    let commented = format!("# a comment\ntitle = \"x\"\n{NEUTRAL}\n# end\n");
    assert_eq!(hash(&commented), first);
    assert_eq!(hash(&NEUTRAL.replace("\"50us\"", "\"0.05ms\"")), first);
    assert_ne!(hash(&NEUTRAL.replace("\"50us\"", "\"51us\"")), first);
    assert_ne!(hash(&NEUTRAL.replace("count = 3", "count = 4")), first);
    assert_ne!(hash(&NEUTRAL.replace("8MiB", "9MiB")), first);
    // The same tables in another order.
    let (head, guests) = NEUTRAL.split_once("[guests.g]").unwrap();
    let (guests, workloads) = guests.split_once("[workloads.w]").unwrap();
    let (preset, rest) = head.split_once("[run]").unwrap();
    let turned = format!("{preset}[workloads.w]{workloads}[guests.g]{guests}[run]{rest}");
    assert_eq!(hash(&turned), first);
}

#[test]
fn command_line_values_win() {
    let overrides = Overrides {
        seed: Some(77),
        replications: Some(2),
        ..Overrides::default()
    };
    let loaded = parse("test", NEUTRAL, Path::new("."), &overrides).unwrap();
    assert_eq!(
        (loaded.scenario.run.seed, loaded.scenario.run.replications),
        (77, 2)
    );
}

#[test]
fn traces_give_sizes() {
    let text = "[run]\nduration = \"10s\"\n[gpus.a]\nboard = \"a40\"\n[guests.g]\ncontext = true\n\
        workload = \"w\"\n[workloads.w]\n\
        arrivals = { process = \"trace\", file = \"requests.csv\", time = \"TIMESTAMP\", \
        time_format = \"timestamp\", keep = 0.5 }\n\
        stages.s.gpu.time = { base = \"10ms\", per = { GeneratedTokens = \"1ms\", ContextTokens = \"2us\" } }\n";
    let scenario = load_text(text).scenario;
    let workload = &scenario.guests[0].workload;
    let crate::workload::Arrivals::Trace { trace, replay } = &workload.arrivals else {
        panic!("no trace");
    };
    assert_eq!((trace.arrivals.len(), replay.keep), (3, 0.5));
    let crate::workload::OperationKind::Gpu(work) = &workload.stages[0].operations[0].kind else {
        panic!("no GPU work");
    };
    let crate::workload::Size::Sum { base, terms, .. } = &work.time else {
        panic!("not from the trace");
    };
    assert_eq!(*base, 10e6);
    let cost: f64 = terms
        .iter()
        .map(|&(column, k)| k * trace.values[column])
        .sum();
    assert_eq!(cost, 4808.0 * 2e3 + 10.0 * 1e6);
}

#[test]
fn work_carries_over_from_a_reference_board() {
    let text = "[run]\nduration = \"10s\"\n[gpus.a]\nboard = \"a40\"\n[guests.g]\ncontext = true\n\
        workload = \"w\"\n[workloads.w]\nreference = \"l40\"\narrivals = { process = \"closed\" }\n\
        stages.s.gpu = { time = \"4ms\", memory_bound = 0.5 }\n";
    let scenario = load_text(text).scenario;
    let crate::workload::OperationKind::Gpu(work) =
        &scenario.guests[0].workload.stages[0].operations[0].kind
    else {
        panic!("no GPU work");
    };
    let slower = 0.5 / (37.4 / 90.5) + 0.5 / (696.0 / 864.0);
    assert!((work.speed * slower - 1.0).abs() < 1e-12, "{}", work.speed);
}

#[test]
fn unused_workloads_and_assumptions_are_warned_of() {
    let more =
        "[workloads.other]\narrivals = { process = \"closed\" }\nstages.s.gpu.time = \"1ms\"\n";
    let loaded = load_text(&format!("{NEUTRAL}{more}"));
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.warnings[0].title.contains("other"));
}

#[test]
fn explanation_names_origins() {
    let text = explain::explain(&shared("a40", "context = true", ""));
    for part in [
        "run.duration",
        "line 2",
        "assumption switch.save",
        "catalogue: ",
        "default",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn every_registered_scheduler_can_be_named() {
    for scheduler in crate::policy::registry::all() {
        let turns = match scheduler
            .uses
            .contains(&crate::policy::registry::Use::ReservedTurns)
        {
            true => "reserved_turns = 6",
            false => "",
        };
        let share = format!("scheduler = \"{}\"\n{turns}", scheduler.name);
        // A setting of products for containers; the others serve vGPUs too.
        let holds = match scheduler.name {
            "round-robin" => "context = true",
            _ => "vgpu = \"A40-8Q\"",
        };
        let resolved = slice(&shared("a40", holds, &share));
        assert_eq!(resolved.scheduler, scheduler.name);
        if let Some(usual) = scheduler.slice {
            assert_eq!(resolved.slice, usual);
        }
    }
    let rows = legal::LEGAL.iter().map(|row| row.scheduler);
    let named = rows.filter(|name| crate::policy::registry::find(name).is_some());
    assert_eq!(
        named.count() + 1,
        legal::LEGAL.len(),
        "all but the last row"
    );
}

/// The names that a policy's own keys may not have.
#[test]
fn keys_of_every_share_are_known_to_the_registry() {
    let schema = schemars::schema_for!(raw::RawShare);
    let keys = schema.get("properties").and_then(|keys| keys.as_object());
    let own: Vec<&str> = parameters::names().collect();
    let keys = keys.expect("an object").keys().map(String::as_str);
    let mut keys: Vec<&str> = keys.filter(|key| !own.contains(key)).collect();
    let mut known = crate::policy::registry::SHARE_KEYS.to_vec();
    keys.sort_unstable();
    known.sort_unstable();
    assert_eq!(keys, known);
}

#[test]
fn every_part_and_tenant_has_its_modes() {
    use elements::sharing::Part;
    for part in [Part::WholeGpu, Part::GpuInstance, Part::ComputeInstance] {
        for vgpus in [true, false] {
            let row = legal::modes(part, vgpus);
            assert_eq!((row.part, row.vgpus), (part, vgpus));
        }
    }
}
