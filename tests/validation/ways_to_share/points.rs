//! The scenarios of the page, and what comes out of them.

use super::repository;
use std::collections::BTreeMap;
use std::fmt::Write;
use warpshare::experiment::{self, Options, Silent};
use warpshare::result::RunResult;
use warpshare::scenario::{Overrides, parse};
use warpshare::stats::interval::t_interval;

/// How jobs come to each tenant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// The next job when the last one has ended; the number of the page is the rate of all tenants.
    Busy,
    /// So many a second at random; the number is the mean response time.
    Poisson(&'static str),
}

/// A workload with its load: a table of the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Set {
    pub name: &'static str,
    pub batch: u32,
    /// SMs that the GPU work can fill.
    pub sms: u32,
    pub load: Load,
}

const fn set(name: &'static str, batch: u32, sms: u32, load: Load) -> Set {
    Set {
        name,
        batch,
        sms,
        load,
    }
}

pub const SETS: [Set; 5] = [
    set("batch 4, busy", 4, 88, Load::Busy),
    set("batch 4, 75/s", 4, 88, Load::Poisson("75/s")),
    set("batch 64, busy", 64, 88, Load::Busy),
    set("batch 64, 2/s", 64, 88, Load::Poisson("2/s")),
    set("batch 64 on all SMs, busy", 64, 108, Load::Busy),
];

/// A way to share the board.
#[derive(Clone, Copy)]
pub struct Way {
    pub name: &'static str,
    /// The board and its tenants.
    text: fn(u32) -> String,
}

pub const WAYS: [Way; 4] = [
    Way {
        name: "time slicing",
        text: |n| whole(SLICES, n, ""),
    },
    Way {
        name: "MPS",
        text: |n| whole(MPS, n, ""),
    },
    Way {
        name: "MPS, 100/n % each",
        text: |n| {
            let part = format!("active_thread_percentage = {}\n", 100 / n);
            whole(MPS, n, &part)
        },
    },
    Way {
        name: "MIG",
        text: mig,
    },
];

/// Slice and cost of a change as measured on an A100-SXM4-40GB: docs/measurements.md.
const SLICES: &str = "share = { mode = \"time-slice\", scheduler = \"round-robin\", slice = \"2ms\" }\n\
    switch = { preemption = \"0us\", save = \"77.75us\", restore = \"77.75us\" }\n";
const MPS: &str = "share = { mode = \"spatial\" }\n";

fn whole(share: &str, tenants: u32, more: &str) -> String {
    format!(
        "{share}\n[guests.tenant]\ncontext = true\ncount = {tenants}\n{more}workload = \"resnet50\"\n"
    )
}

/// The largest instances of one size of which there are enough.
pub fn profile(tenants: u32) -> &'static str {
    match tenants {
        1 => "7g.80gb",
        2 => "3g.40gb",
        3 => "2g.20gb",
        _ => "1g.10gb",
    }
}

fn mig(tenants: u32) -> String {
    let mut text = String::new();
    for n in 1..=tenants {
        writeln!(
            text,
            "instances.i{n} = {{ profile = \"{}\" }}",
            profile(tenants)
        )
        .expect("text");
    }
    for n in 1..=tenants {
        write!(
            text,
            "\n[guests.tenant{n}]\non = \"a.i{n}\"\ncontext = true\nworkload = \"resnet50\"\n"
        )
        .expect("text");
    }
    text
}

/// The stages of a job, as `warpshare calibrate` wrote them.
pub fn work(batch: u32, sms: u32) -> String {
    let time = match batch {
        4 => "1.811222ms",
        64 => "24.719615ms",
        other => panic!("a batch of {other}"),
    };
    format!(
        "stages.prepare.host.time = \"0.900727ms\"\n\
         stages.step.host.time = \"3.854232ms\"\n\
         stages.step.gpu = {{ time = \"{time}\", sms = {sms} }}\n"
    )
}

/// The scenario of a point.
pub fn scenario(set: &Set, way: &Way, tenants: u32) -> String {
    let (run, arrivals) = match set.load {
        Load::Busy if set.batch > 4 => ("duration = \"60s\"\nwarmup = \"5s\"", BUSY.to_owned()),
        Load::Busy => ("duration = \"10s\"\nwarmup = \"1s\"", BUSY.to_owned()),
        Load::Poisson(rate) => (
            "duration = \"60s\"\nwarmup = \"10s\"",
            format!("{{ process = \"poisson\", rate = \"{rate}\" }}"),
        ),
    };
    format!(
        "[run]\n{run}\nreplications = 5\nbaselines = false\n\n[gpus.a]\nboard = \"a100-sxm4-80gb\"\n\
         {}\n[workloads.resnet50]\nreference = \"a100-sxm4-80gb\"\narrivals = {arrivals}\n\
         sequence = [\"prepare\", \"step\"]\n{}",
        (way.text)(tenants),
        work(set.batch, set.sms)
    )
}

/// A busy tenant: a think time of about 1 % of a small job, so that tenants do not stay in step.
pub const BUSY: &str = "{ process = \"closed\", users = 1, \
    think = { dist = \"exponential\", mean = \"50us\" } }";

/// A number of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub set: String,
    pub way: String,
    pub tenants: u32,
    /// Jobs a second, or mean response in ms.
    pub value: f64,
    /// Half-width of its 95 % interval over replications.
    pub half_width: f64,
    /// Mean of the tenants' 95th percentiles in ms; 0 for rates.
    pub p95_ms: f64,
    pub overloaded: bool,
}

/// Runs a scenario that stands in no file.
pub fn run(text: &str) -> RunResult {
    let loaded = parse("point", text, &repository("."), &Overrides::default());
    let loaded = loaded.unwrap_or_else(|errors| {
        let errors: String = errors.iter().map(|error| error.render()).collect();
        panic!("{errors}\nin\n{text}")
    });
    let result = experiment::run(&loaded.scenario, &Options::default(), &Silent);
    let result = result.expect("it runs");
    for check in &result.checks {
        assert!(check.holds, "{check:?}");
    }
    result
}

pub fn simulate(set: &Set, way: &Way, tenants: u32) -> Point {
    let result = run(&scenario(set, way, tenants));
    summary(&result, set.name, way.name, tenants, set.load == Load::Busy)
}

/// Rate of all tenants together, or their mean response.
pub fn summary(result: &RunResult, set: &str, way: &str, tenants: u32, rate: bool) -> Point {
    let mut values = Vec::new();
    let mut p95s = Vec::new();
    for replication in &result.replications {
        let guests = &replication.guests;
        if rate {
            let seconds = result.plan.window_ns as f64 / 1e9;
            let rates = guests.iter().map(|g| g.ended_in_window as f64 / seconds);
            values.push(rates.sum());
            continue;
        }
        let jobs: u64 = guests.iter().map(|g| g.jobs.completed).sum();
        let total = guests.iter().map(|g| {
            let mean = g.response.mean_ns().expect("jobs have ended");
            mean * g.jobs.completed as f64
        });
        values.push(total.sum::<f64>() / jobs as f64 / 1e6);
        let each = guests
            .iter()
            .map(|g| g.response.p95_ns.expect("jobs have ended") as f64);
        p95s.push(each.sum::<f64>() / guests.len() as f64 / 1e6);
    }
    let interval = t_interval(&values, 0.95).expect("several replications");
    // What the page shows is what the file holds.
    let rounded = |value: f64| format!("{value:.4}").parse().expect("a number");
    Point {
        set: set.to_owned(),
        way: way.to_owned(),
        tenants,
        value: rounded(values.iter().sum::<f64>() / values.len() as f64),
        half_width: rounded(interval.half_width),
        p95_ms: rounded(p95s.iter().sum::<f64>() / p95s.len().max(1) as f64),
        overloaded: result.guests.iter().any(|group| group.overload.is_some()),
    }
}

const HEAD: &str = "set,way,tenants,value,half_width,p95_ms,overloaded";

pub fn to_csv(all: &[Point]) -> String {
    let mut text = format!("{HEAD}\n");
    for p in all {
        writeln!(
            text,
            "\"{}\",\"{}\",{},{:.4},{:.4},{:.4},{}",
            p.set, p.way, p.tenants, p.value, p.half_width, p.p95_ms, p.overloaded
        )
        .expect("text");
    }
    text
}

pub fn from_csv(text: &str) -> Vec<Point> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    rows.map(|row| {
        let row = row.expect("a row");
        let number = |column: &str| row[column].parse().expect("a number");
        Point {
            set: row["set"].clone(),
            way: row["way"].clone(),
            tenants: row["tenants"].parse().expect("a count"),
            value: number("value"),
            half_width: number("half_width"),
            p95_ms: number("p95_ms"),
            overloaded: row["overloaded"] == "true",
        }
    })
    .collect()
}
