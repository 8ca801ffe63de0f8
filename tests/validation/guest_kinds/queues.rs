//! `queue`: what finds no room is lost, whoever asked for it.

use crate::common::{FOREVER, simulate_variant};
use crate::common::{closed, constant, gpu, gpu_workload, guest, scenario, simulate, time_slice};
use std::path::Path;
use warpshare::engine::time::Nanos;
use warpshare::experiment::{self, Silent};
use warpshare::result::RunResult;
use warpshare::scenario::{Overrides, load, parse};
use warpshare::sim::{Speed, Variant};
use warpshare::stats::moments;
use warpshare::stats::student::student_quantile;

const MS: Nanos = 1_000_000;

/// Five users, thinking twice as long as a service takes, at two servers: with a = 1/2 a user finds both
/// taken with probability C(4,2) a^2 / (1 + 4 a + C(4,2) a^2) = 1/3 (Engset 1918; Gross and Harris, ch. 2),
/// and 1.25 of them are in service on average, whatever the distribution of the service.
///
/// Error probability: 1e-3 for each of the two comparisons, if other numbers were drawn.
#[test]
fn users_who_find_no_room_are_lost_and_think_again() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cases/engset.toml");
    let mut scenario = load(file.as_ref(), &Overrides::default())
        .expect("valid")
        .scenario;
    // A tenth of the case's length shows an error of half a percent.
    scenario.run.warmup = 100 * MS;
    scenario.run.window = 20_000 * MS;
    let replications = scenario.run.replications;
    let mut losses = Vec::new();
    let mut served = Vec::new();
    for replication in 0..replications {
        let logs = simulate_variant(&scenario, replication, Variant::Shared, Speed::RoundJump);
        let (arrived, lost) = (logs[0].arrived[0] as f64, logs[0].dropped[0] as f64);
        losses.push(lost / arrived);
        let end = 20_100.0;
        served.push((arrived - lost) / end);
    }
    let limit = student_quantile(1.0 - 0.5e-3, f64::from(replications - 1));
    for (values, exact) in [(losses, 1.0 / 3.0), (served, 1.25)] {
        let mean = moments::mean(&values);
        let error = (moments::variance(&values) / f64::from(replications)).sqrt();
        assert!(error < 0.005 * exact, "{error} is too much to tell");
        assert!(
            (mean - exact).abs() <= limit * error,
            "{mean} ± {error} is not {exact}"
        );
    }
}

/// Three users think for 10 ms; a job takes 4 ms, and nothing waits. At 10 ms one of three is served, at 20 ms
/// one of two; then they are apart: 24, 30, 34 and 38 ms find the server free.
#[test]
fn a_lost_job_is_followed_by_another_thought() {
    let mut users = guest("u", gpu_workload(closed(3, constant(10e6)), constant(4e6)));
    users.queue = Some(0);
    let scenario = scenario(vec![gpu(time_slice("fifo", FOREVER))], vec![users], 40 * MS);
    let log = simulate(&scenario);
    let mut ends: Vec<_> = log.jobs.iter().map(|(_, job)| job.ended / MS).collect();
    ends.sort_unstable();
    assert_eq!(ends, [14, 24, 28, 34, 38, 42]);
    assert_eq!((log.arrived[0], log.dropped[0]), (9, 3));
}

/// With room for one to wait, the second of the three waits from 10 to 14 ms.
#[test]
fn as_many_wait_as_there_is_room_for() {
    let mut users = guest("u", gpu_workload(closed(3, constant(10e6)), constant(4e6)));
    users.queue = Some(1);
    let scenario = scenario(vec![gpu(time_slice("fifo", FOREVER))], vec![users], 20 * MS);
    let log = simulate(&scenario);
    let ends: Vec<_> = log.jobs.iter().map(|(_, job)| job.ended / MS).collect();
    assert_eq!(ends[..2], [14, 18]);
    assert_eq!(log.dropped[0], 1);
}

fn engine(guest: &str, arrivals: &str, llm: &str) -> RunResult {
    let text = format!(
        "[run]\nduration = \"40s\"\nhorizon = \"terminating\"\nreplications = 1\nbaselines = false\n[gpus.a]\n\
         board = \"a100-sxm4-80gb\"\n[guests.chat]\ncontext = true\n{guest}\nworkload = \"chat\"\n\
         [workloads.chat]\narrivals = {{ {arrivals} }}\n[workloads.chat.llm]\nmodel = \"llama-2-7b\"\n\
         prompt = \"100 tokens\"\noutput = \"100 tokens\"\n{llm}"
    );
    let loaded = parse("s", &text, Path::new("."), &Overrides::default());
    let loaded = loaded.unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(|e| e.render()).collect::<String>())
    });
    experiment::run(&loaded.scenario, &experiment::Options::default(), &Silent).expect("it runs")
}

/// A request takes about 1 s, and nothing waits. Every 4 s the engine is idle; in pairs it has room for both, or
/// for one.
#[test]
fn an_idle_engine_serves_although_nothing_may_wait() {
    let every = "process = \"deterministic\", period = \"4s\"";
    let apart = engine("queue = 0", every, "");
    assert_eq!(
        (apart.guests[0].jobs.arrived, apart.guests[0].jobs.dropped),
        (9, 0)
    );
    let pairs = format!("{every}, batch = 2");
    let room = engine("queue = 0", &pairs, "");
    assert_eq!(
        (room.guests[0].jobs.arrived, room.guests[0].jobs.dropped),
        (18, 0)
    );
    let one = engine("queue = 0", &pairs, "max_requests = 1\n");
    assert_eq!(
        (one.guests[0].jobs.completed, one.guests[0].jobs.dropped),
        (9, 9)
    );
    let waits = engine("queue = 1", &pairs, "max_requests = 1\n");
    assert_eq!(
        (waits.guests[0].jobs.completed, waits.guests[0].jobs.dropped),
        (18, 0)
    );
}

/// A user of an engine whose request is lost thinks again, as any other.
#[test]
fn users_of_an_engine_think_again() {
    let users = "process = \"closed\", users = 3, think = \"500ms\"";
    let result = engine("queue = 0", users, "max_requests = 1\n");
    let jobs = &result.guests[0].jobs;
    assert!(jobs.completed > 20 && jobs.dropped > 20, "{jobs:?}");
    assert!(result.checks.iter().all(|check| check.holds));
}

/// Users who do not think would be refused for ever at the same moment; with room for all they never are.
#[test]
fn users_who_do_not_think_need_room() {
    let with = |queue: u32, work: &str| {
        let text = format!(
            "preset = \"neutral\"\n[run]\nduration = \"1s\"\n[gpus.a]\nboard = \"neutral\"\n\
             share.slice = \"1ms\"\n[guests.g]\ncontext = true\nstreams = 2\nqueue = {queue}\nworkload = \"w\"\n\
             [workloads.w]\narrivals = {{ process = \"closed\", users = 5 }}\n{work}\
             stages.s.gpu.time = \"1ms\"\n"
        );
        parse("s", &text, Path::new("."), &Overrides::default()).map(|_| ())
    };
    let refused = with(2, "").expect_err("two in service, two that wait, and one too many");
    let message = refused[0].render();
    assert!(
        message.contains("queue = 3") && message.contains("s:10:"),
        "{message}"
    );
    with(3, "").expect("what the message offers");
    let batching = "batching = { max = 2 }\n";
    assert!(
        with(3, batching).expect_err("all five may wait")[0]
            .render()
            .contains("queue = 5")
    );
    with(5, batching).expect("what the message offers");
}

#[test]
fn mps_is_another_word_for_sharing_in_space() {
    let text = |mode: &str| {
        format!(
            "[run]\nduration = \"1s\"\n[gpus.a]\nboard = \"a40\"\nshare.mode = \"{mode}\"\n[guests.g]\n\
             context = true\nworkload = \"w\"\n[workloads.w]\narrivals = {{ process = \"closed\" }}\n\
             stages.s.gpu.time = \"1ms\"\n"
        )
    };
    let hash = |mode| {
        let loaded = parse("s", &text(mode), Path::new("."), &Overrides::default());
        loaded.expect("valid").scenario.hash
    };
    assert_eq!(hash("mps"), hash("spatial"));
    // A GPU shared by MPS has clients and no vGPUs: that is what the case is told, not that the word is unknown.
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/cases/mode-mps.toml"
    );
    let findings = load(file.as_ref(), &Overrides::default()).expect_err("vGPUs under MPS");
    let all: String = findings.iter().map(|finding| finding.render()).collect();
    assert!(
        all.contains("no spatial sharing of a whole GPU by vGPUs"),
        "{all}"
    );
}
