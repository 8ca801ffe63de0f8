//! What holds whatever a policy's order is: conservation, busy times, preemption as declared.

use super::choice::Choice;
use super::world::{Log, Served, read, serving, simulate, text};
use super::{SLICE, ensure};
use crate::engine::time::{MILLISECOND as MS, Nanos};
use crate::experiment::{self, Options, Silent};
use crate::policy::registry::{self, Registered, Use};
use crate::policy::{Preempts, Reservation, Terms};
use crate::sim::Part;

const ROUNDS: u32 = 40;
const WINDOW: Nanos = 200 * MS;

fn drawn(check: &str, round: u32) -> Vec<Served> {
    let mut choice = Choice::new(check, round);
    let count = choice.between(1, 5);
    (0..count).map(|_| Served::drawn(&mut choice)).collect()
}

/// All time is accounted for, and every job is done, dropped or in the system.
fn conserved(log: &Log, sms: u32) -> Result<(), String> {
    for (now, accounts, ran) in &log.edges {
        let wall = u128::from(*now) * u128::from(sms);
        ensure!(
            accounts.total() == wall,
            "at {now} ns {} of {wall} SM·ns",
            accounts.total()
        );
        ensure!(
            accounts.switching == 0,
            "switches cost {} SM·ns",
            accounts.switching
        );
        let sum: Nanos = ran.iter().sum();
        let busy = accounts.let_run;
        ensure!(sum == busy, "tenants ran for {sum} ns, the GPU for {busy}");
    }
    let end = log.edges.last().map_or(0, |edge| edge.0);
    for local in 0..log.layout.guests.len() {
        let jobs = log.jobs.iter().filter(|(of, _)| *of == local);
        let done = jobs.filter(|(_, job)| job.ended <= end).count() as u64;
        let known = done + log.dropped[local] + log.backlog[local];
        let arrived = log.arrived[local];
        ensure!(
            arrived == known,
            "{known} of {arrived} jobs of a tenant are accounted for"
        );
    }
    Ok(())
}

/// One stream each: every job has exactly its own work on the SMs.
pub(super) fn conserves(policy: &Registered) -> Result<(), String> {
    for round in 0..ROUNDS {
        let tenants = drawn("conserves", round);
        let scenario = serving(policy, &tenants, WINDOW)?;
        let log = simulate(&scenario)?;
        conserved(&log, scenario.gpus[0].board.sms)?;
        for (local, job) in &log.jobs {
            let guest = log.layout.guests[*local].group;
            let size = tenants[guest].requests[job.index as usize].1;
            let had = job.parts[Part::Gpu as usize];
            ensure!(had == size, "a job of {size} ns had the SMs for {had} ns");
        }
    }
    Ok(())
}

/// Several streams share what their tenant has, so only the sums are known.
pub(super) fn conserves_streams(policy: &Registered) -> Result<(), String> {
    for round in 0..ROUNDS {
        let mut choice = Choice::new("streams", round);
        let mut tenants = drawn("conserves streams", round);
        for tenant in &mut tenants {
            tenant.streams = choice.between(1, 4) as u32;
        }
        let scenario = serving(policy, &tenants, WINDOW)?;
        conserved(&simulate(&scenario)?, scenario.gpus[0].board.sms)?;
    }
    Ok(())
}

/// Work-conserving policies keep the GPU busy for as long as any of them, whatever the order.
pub(super) fn busy(policy: &Registered) -> Result<(), String> {
    let Some(fifo) = registry::find("fifo") else {
        return Err("there is no fifo to compare with".to_owned());
    };
    if !policy.properties.work_conserving {
        return Ok(());
    }
    for round in 0..ROUNDS {
        let mut tenants = drawn("busy", round);
        tenants.iter_mut().for_each(|tenant| tenant.queue = None);
        let times = |policy: &Registered| -> Result<Vec<Nanos>, String> {
            let mut scenario = serving(policy, &tenants, WINDOW)?;
            scenario.run.timeline_bins = 371;
            let edges = simulate(&scenario)?.edges;
            Ok(edges
                .into_iter()
                .map(|(_, accounts, _)| accounts.gpu_time)
                .collect())
        };
        let (own, known) = (times(policy)?, times(fifo)?);
        let differ = own.iter().zip(&known).find(|(own, known)| own != known);
        if let Some((own, known)) = differ {
            return Err(format!("busy for {own} ns where fifo is for {known} ns"));
        }
    }
    Ok(())
}

/// With one tenant that has work and one that has none, work waits if, and only if, it is declared.
pub(super) fn leaves_unused(policy: &Registered) -> Result<(), String> {
    // Equal in all; by priority 1, a virtual function of Intel Xe is scheduled whether it has work or not.
    let terms = Terms {
        priority: 1,
        ..Terms::default()
    };
    let tenants = [
        Served::plain(&[(0, 100 * MS)], terms),
        Served::plain(&[(900 * MS, MS)], terms),
    ];
    let log = simulate(&serving(policy, &tenants, 1_000 * MS)?)?;
    let at_once = log.first_end(0) == Some(100 * MS);
    let conserving = policy.properties.work_conserving;
    let found = log.first_end(0);
    ensure!(
        at_once == conserving,
        "alone with 100 ms of work, a tenant ends at {found:?} ns"
    );
    Ok(())
}

/// Into the work of 10 ms that has the SMs, urgent work comes after these times.
const COMES: [Nanos; 6] = [
    300_000,
    MS + 300_000,
    2 * MS + 300_000,
    3 * MS + 300_000,
    5 * MS + 300_000,
    8 * MS + 300_000,
];

/// Urgent work comes while other work has the SMs, at once or when that has had long: it takes them as declared.
pub(super) fn preempts(policy: &Registered) -> Result<(), String> {
    let work = 100_000;
    let end = |comes: Nanos| -> Result<Option<Nanos>, String> {
        let reserve = |time, period, priority| Terms {
            priority,
            reservation: Some(Reservation { time, period }),
            ..Terms::default()
        };
        let tenants = [
            Served::plain(&[(0, 10 * MS)], reserve(5 * MS, 10 * MS, 1)),
            Served {
                deadline: Some(MS),
                ..Served::plain(&[(comes, work)], reserve(500_000, MS, 2))
            },
        ];
        let log = simulate(&serving(policy, &tenants, 200 * MS)?)?;
        Ok(log.first_end(1))
    };
    let mut at_once = Vec::new();
    for comes in COMES {
        at_once.push(end(comes)? == Some(comes + work));
    }
    let first = end(COMES[0])?;
    match policy.properties.preempts {
        Preempts::Urgent => {
            ensure!(
                at_once[0],
                "urgent work that comes at 0.3 ms ends at {first:?} ns"
            );
        }
        Preempts::Never => {
            let sliced = policy.uses.contains(&Use::Slice);
            let waits = first.is_none_or(|end| end >= SLICE) || !sliced;
            // Where turns are reserved, urgent work may come in one of its own.
            let mut others = at_once.iter().filter(|_| policy.properties.work_conserving);
            let no = !at_once[0] && others.all(|&at_once| !at_once);
            ensure!(
                no && waits,
                "urgent work that comes at 0.3 ms ends at {first:?} ns: it does not wait"
            );
        }
        Preempts::Some => {
            ensure!(
                !at_once[0],
                "urgent work takes the SMs as soon as it comes: declare `Urgent`"
            );
            let some = at_once.iter().any(|&at_once| at_once);
            ensure!(some, "urgent work always waits: declare `Never`");
        }
    }
    Ok(())
}

/// The order in which a file lists its guests makes no difference to any byte of the result.
pub(super) fn file_order(policy: &Registered) -> Result<(), String> {
    let mut guests = [
        "[guests.a]\nweight = 3\npriority = 1\ndeadline = \"5ms\"",
        "[guests.b]\nreservation = { time = \"1ms\", every = \"4ms\" }",
        "[guests.c]\ncount = 2",
    ];
    let run = |guests: [&str; 3]| -> Result<String, String> {
        let guests = guests.map(|guest| format!("{guest}\ncontext = true\nworkload = \"w\"\n"));
        let scenario = read(&text(
            policy,
            "duration = \"100ms\"\nreplications = 2",
            &guests.concat(),
            "arrivals = { process = \"poisson\", rate = \"100/s\" }\n\
             stages.s.gpu.time = { dist = \"exponential\", mean = \"2ms\" }",
        ))?;
        let result = experiment::run(&scenario, &Options::default(), &Silent);
        let result = result.map_err(|error| error.to_string())?;
        serde_json::to_string(&result).map_err(|error| error.to_string())
    };
    let forward = run(guests)?;
    guests.reverse();
    ensure!(forward == run(guests)?, "another order, another result");
    Ok(())
}
