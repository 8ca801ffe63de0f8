//! Commands: schedules by hand with one in the middle, and random ones over random scenarios.
//!
//! A longer search from another seed: `COMMANDS_SEED=7 COMMANDS_CASES=20000 cargo test --test model commands`.

use crate::common::*;
use crate::paths::{a_scenario, from_environment};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use warpshare::engine::time::Nanos;
use warpshare::policy::{Reservation, Terms};
use warpshare::scenario::{Holds, Horizon, Overrides, Scenario, load};
use warpshare::sim::{AtEnd, AtReset, Command, CommandError, Speed, Variant, build};
use warpshare::workload::{Discipline, Frames};

const MS: Nanos = 1_000_000;
const SPEEDS: [Speed; 3] = [Speed::Plain, Speed::RunAhead, Speed::RoundJump];

pub type Order = (Nanos, u32, Command);

/// A run with commands, given before it or when their time has come.
fn obey(scenario: &Scenario, speed: Speed, orders: &[Order], in_time: bool) -> Log {
    let cell = build(scenario, &[0], 0, Variant::Shared, speed, Log::new);
    let mut cell = cell.expect("a cell");
    for &(time, rank, command) in orders {
        if in_time {
            cell.run_until(time);
        }
        match cell.command(time, rank, command) {
            // What fits nothing that is there is not meant.
            Ok(()) | Err(CommandError::HasStart(_) | CommandError::NoFrames(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    cell.run()
}

/// The same at every speed, cut and not, and nothing is lost without a trace.
pub fn run(scenario: &Scenario, orders: &[Order]) -> Log {
    let mut orders = orders.to_vec();
    orders.sort_by_key(|order| order.0);
    let log = obey(scenario, Speed::Plain, &orders, false);
    for speed in SPEEDS {
        for in_time in [false, true] {
            let other = obey(scenario, speed, &orders, in_time);
            assert_eq!(log, other, "{speed:?}, in time: {in_time}");
        }
    }
    check(scenario, &log);
    log
}

/// Invariants I1 to I4.
fn check(scenario: &Scenario, log: &Log) {
    let domains = scenario.gpus[0].domains();
    for (now, accounts, ran, _) in &log.edges {
        for (domain, accounts) in domains.iter().zip(accounts) {
            assert_eq!(accounts.total(), u128::from(*now) * u128::from(domain.sms));
        }
        let [first, ..] = accounts.as_slice() else {
            panic!("no domain");
        };
        assert_eq!(ran.iter().sum::<Nanos>(), first.gpu_time);
    }
    for guest in 0..log.arrived.len() {
        let ended = log.jobs.iter().filter(|(who, _)| *who == guest).count() as u64;
        let gone = ended + log.dropped[guest] + log.left[guest] + log.lost[guest];
        assert_eq!(
            log.arrived[guest],
            gone + log.in_flight[guest],
            "guest {guest}"
        );
    }
    for (_, job) in &log.jobs {
        assert!(job.arrival <= job.started && job.started <= job.ended);
        assert_eq!(job.parts.iter().sum::<Nanos>(), job.ended - job.arrival);
    }
}

/// Two guests with a job of 10 ms each at the beginning, in turns of 2 ms.
fn two(scheduler: &str) -> Scenario {
    let mut share = time_slice(scheduler, 2 * MS);
    share.arr_factor = Some(7);
    let job = || requests(&[(0, 10 * MS)]);
    scenario(
        vec![gpu(share)],
        vec![guest("a", job()), guest("b", job())],
        100 * MS,
    )
}

#[test]
fn whoever_retires_gives_its_turn_up() {
    for scheduler in ["round-robin", "equal-share"] {
        let scenario = two(scheduler);
        // a runs from 0 to 2 and from 4 to 5, b from 2 to 4 and from 5 on.
        let retire = Command::Retire {
            guest: 0,
            work: AtEnd::Lost,
        };
        let log = run(&scenario, &[(5 * MS, 0, retire)]);
        assert!(log.ends(&scenario, "a").is_empty());
        assert_eq!(log.ends(&scenario, "b"), [13 * MS]);
        assert_eq!((log.lost[0], log.lost[1]), (1, 0));
        assert_eq!(
            log.last_accounts().useful,
            u128::from(13 * MS * u64::from(SMS))
        );
    }
}

#[test]
fn a_guest_that_is_drained_leaves_when_its_work_is_done() {
    let mut scenario = two("equal-share");
    scenario.guests[0].workload = requests(&[(0, 2 * MS), (MS, MS), (3 * MS, MS)]);
    // a runs from 0 to 2 and from 4 to 5 and has a reserved turn up to 6; the third job never comes.
    let retire = Command::Retire {
        guest: 0,
        work: AtEnd::Drained,
    };
    let log = run(&scenario, &[(2 * MS, 0, retire)]);
    assert_eq!(log.ends(&scenario, "a"), [2 * MS, 5 * MS]);
    assert_eq!(log.ends(&scenario, "b"), [13 * MS]);
    assert_eq!((log.arrived[0], log.lost[0]), (2, 0));
    let whole = simulate(&scenario);
    // All jobs come without it, and b has every other turn.
    assert_eq!(
        (whole.arrived[0], whole.ends(&scenario, "b")),
        (3, vec![20 * MS])
    );
}

#[test]
fn a_suspended_guest_keeps_what_it_has() {
    let scenario = two("round-robin");
    let orders = [
        (5 * MS, 0, Command::Suspend { guest: 0 }),
        (9 * MS, 0, Command::Resume { guest: 0 }),
    ];
    // a has run for 3 ms. b runs from 5 on, and has just begun another turn when a is back: a from 11 to 13,
    // b to 15, and a for its last 5.
    let log = run(&scenario, &orders);
    assert_eq!(log.ends(&scenario, "a"), [20 * MS]);
    assert_eq!(log.ends(&scenario, "b"), [15 * MS]);
}

#[test]
fn a_process_beside_others_can_be_suspended() {
    use warpshare::policy::spatial;
    use warpshare::scenario::{Division, Share, SideBySide};
    let mut scenario = two("round-robin");
    let beside = SideBySide {
        policy: spatial::all()[0],
        interference: 0.0,
    };
    scenario.gpus[0].division = Division::Whole(Share::Spatial(beside));
    for guest in &mut scenario.guests {
        guest.holds = Holds::Client { sms: None };
    }
    // Half the SMs each: 2 ms of work up to 4 ms. b alone has 6 of its 8 ms done by 10 ms, and the rest at half
    // the speed by 14 ms; a has 4 ms then, and the SMs to itself.
    let orders = [
        (4 * MS, 0, Command::Suspend { guest: 0 }),
        (10 * MS, 0, Command::Resume { guest: 0 }),
    ];
    let log = run(&scenario, &orders);
    assert_eq!(log.ends(&scenario, "b"), [14 * MS]);
    assert_eq!(log.ends(&scenario, "a"), [20 * MS]);
    // Retired instead, b is alone from 4 ms on.
    let retire = Command::Retire {
        guest: 0,
        work: AtEnd::Lost,
    };
    let log = run(&scenario, &[(4 * MS, 0, retire)]);
    assert_eq!(log.ends(&scenario, "b"), [12 * MS]);
}

#[test]
fn terms_change_the_length_of_turns() {
    let mut scenario = two("weighted-share");
    scenario.guests[0].workload = requests(&[(0, 12 * MS)]);
    scenario.guests[1].workload = requests(&[(0, 50 * MS)]);
    // Turns of 2 ms each up to 8; then a has 6 of every 8 ms.
    let terms = Terms {
        weight: 3,
        ..Terms::default()
    };
    let log = run(
        &scenario,
        &[(7 * MS, 0, Command::SetTerms { guest: 0, terms })],
    );
    // 0 to 2, 4 to 6, 8 to 14, and 2 more from 16 on.
    assert_eq!(log.ends(&scenario, "a"), [18 * MS]);
}

#[test]
fn a_limit_of_frames_comes_and_goes() {
    let mut scenario = two("round-robin");
    scenario.guests.truncate(1);
    let mut workload = gpu_workload(closed(1, constant(0.0)), constant(MS as f64));
    workload.discipline = Discipline::Frames(Frames {
        displays: 1,
        resolution: (1920, 1080),
        gap: 0,
        outside: 0,
    });
    scenario.guests[0].workload = workload;
    scenario.run.window = 17 * MS;
    let limit = |gap| Command::LimitFrames { guest: 0, gap };
    let log = run(
        &scenario,
        &[(5 * MS, 0, limit(4 * MS)), (14 * MS, 0, limit(0))],
    );
    let started: Vec<Nanos> = log.jobs.iter().map(|(_, job)| job.started / MS).collect();
    assert_eq!(started, [0, 1, 2, 3, 4, 5, 9, 13, 14, 15, 16]);
}

#[test]
fn after_a_reset_work_begins_anew_or_is_gone() {
    let scenario = two("round-robin");
    let reset = |work| {
        [(
            5 * MS,
            0,
            Command::Reset {
                domain: 0,
                work,
                outage: 3 * MS,
            },
        )]
    };
    // From 8 ms on in turns of 2 ms.
    let log = run(&scenario, &reset(AtReset::Restarted));
    assert_eq!(log.ends(&scenario, "a"), [26 * MS]);
    assert_eq!(log.ends(&scenario, "b"), [28 * MS]);
    let idle = |log: &Log| log.last_accounts().idle / u128::from(SMS) / u128::from(MS);
    assert_eq!(idle(&log), 100 - 28 + 3);
    let log = run(&scenario, &reset(AtReset::Lost));
    assert_eq!((log.jobs.len(), log.lost[0], log.lost[1]), (0, 1, 1));
    assert_eq!(idle(&log), 95);
    // Users in a closed loop ask anew, and wait for the end of the outage.
    let mut scenario = scenario;
    scenario.guests.truncate(1);
    scenario.guests[0].workload = gpu_workload(closed(1, constant(0.0)), constant(2e6));
    scenario.run.window = 15 * MS;
    let log = run(&scenario, &reset(AtReset::Lost));
    assert_eq!(
        log.ends(&scenario, "a")[..4],
        [2, 4, 10, 12].map(|ms| ms * MS)
    );
    assert_eq!(log.lost, [1]);
}

/// Requests of a language model's engine: those of its iteration are lost together, those that wait go on.
#[test]
fn an_engine_loses_its_iteration() {
    let loaded = load("scenarios/llm-chat.toml".as_ref(), &Overrides::default());
    let mut scenario = loaded.unwrap_or_else(|_| panic!("a scenario")).scenario;
    scenario.run.horizon = Horizon::Terminating;
    (scenario.run.window, scenario.run.drain) = (4_000 * MS, 60_000 * MS);
    let give = |command| {
        let log = run(&scenario, &[(2_000 * MS, 0, command)]);
        (log.jobs.len() as u64, log.lost[0], log.in_flight[0])
    };
    let outage = 500 * MS;
    let reset = |work| Command::Reset {
        domain: 0,
        work,
        outage,
    };
    let retire = |work| Command::Retire { guest: 0, work };
    let (all, ..) = give(Command::Suspend { guest: 0 });
    let (ended, lost, in_flight) = give(reset(AtReset::Restarted));
    assert_eq!((lost, in_flight), (0, 0));
    assert!(ended > all);
    let (after, lost, in_flight) = give(reset(AtReset::Lost));
    assert!(lost > 1 && after + lost == ended && in_flight == 0);
    let (before, lost, in_flight) = give(retire(AtEnd::Lost));
    assert!(before == all && lost > 1 && in_flight == 0);
    assert_eq!(give(retire(AtEnd::Drained)), (before + lost, 0, 0));
}

/// A start by command is a start by scenario, also for what happens at that very moment.
#[test]
fn a_guest_is_admitted() {
    for scheduler in ["round-robin", "equal-share", "stride", "gvt-g"] {
        let mut by_scenario = two(scheduler);
        by_scenario.guests[1].start = 5 * MS;
        let mut by_command = by_scenario.clone();
        by_command.guests[1].start = FOREVER;
        let log = run(&by_command, &[(5 * MS, 0, Command::Admit { guest: 1 })]);
        assert_eq!(log, simulate(&by_scenario));
        assert_eq!(log.jobs.len(), 2);
        // Nobody comes without it.
        assert_eq!(simulate(&by_command).arrived, [1, 0]);
    }
}

#[test]
fn commands_that_fit_nothing_are_refused() {
    let scenario = two("round-robin");
    let cell = build(&scenario, &[0], 0, Variant::Shared, Speed::Plain, Log::new);
    let mut cell = cell.expect("a cell");
    let mut give = |time, command| cell.command(time, 0, command);
    let suspend = |guest| Command::Suspend { guest };
    assert_eq!(give(0, suspend(2)), Err(CommandError::UnknownGuest(2)));
    assert_eq!(
        give(0, Command::Admit { guest: 1 }),
        Err(CommandError::HasStart(1))
    );
    assert_eq!(give(FOREVER, suspend(0)), Err(CommandError::Never));
    let frames = Command::LimitFrames { guest: 0, gap: 1 };
    assert_eq!(give(0, frames), Err(CommandError::NoFrames(0)));
    let reset = Command::Reset {
        domain: 1,
        work: AtReset::Lost,
        outage: 1,
    };
    assert_eq!(give(0, reset), Err(CommandError::UnknownDomain(1)));
    let reservation = Some(Reservation { time: 2, period: 1 });
    for terms in [
        Terms {
            weight: 0,
            ..Terms::default()
        },
        Terms {
            reservation,
            ..Terms::default()
        },
    ] {
        assert_eq!(
            give(0, Command::SetTerms { guest: 0, terms }),
            Err(CommandError::Terms)
        );
    }
    cell.run_until(7);
    let late = cell.command(6, 0, suspend(0));
    assert_eq!(
        late,
        Err(CommandError::Past {
            time: 6,
            reached: 7
        })
    );
    assert_eq!(cell.command(7, 0, suspend(0)), Ok(()));
}

fn a_command() -> impl Strategy<Value = Command> {
    let guest = || 0usize..9;
    let gap = prop_oneof![Just(0), 1u64..30_000_000];
    let terms = (1u32..6, -1i32..4, any::<bool>()).prop_map(|(weight, priority, reserves)| Terms {
        weight,
        priority,
        reservation: reserves.then_some(Reservation {
            time: 2_000_000,
            period: 9_000_000,
        }),
    });
    prop_oneof![
        2 => guest().prop_map(|guest| Command::Admit { guest }),
        1 => (guest(), any::<bool>()).prop_map(|(guest, lost)| Command::Retire {
            guest,
            work: if lost { AtEnd::Lost } else { AtEnd::Drained },
        }),
        2 => guest().prop_map(|guest| Command::Suspend { guest }),
        3 => guest().prop_map(|guest| Command::Resume { guest }),
        2 => (guest(), terms).prop_map(|(guest, terms)| Command::SetTerms { guest, terms }),
        2 => (guest(), gap).prop_map(|(guest, gap)| Command::LimitFrames { guest, gap }),
        1 => (0usize..9, any::<bool>(), 0u64..20_000_000).prop_map(|(domain, lost, outage)| {
            let work = if lost { AtReset::Lost } else { AtReset::Restarted };
            Command::Reset { domain, work, outage }
        }),
    ]
}

/// Commands at random times, many of them at one instant or with an event of the guests' own.
fn orders() -> impl Strategy<Value = Vec<Order>> {
    let time = prop_oneof![
        2 => 0u64..120_000_000,
        1 => (0u64..12).prop_map(|bin| bin * 10_000_000),
        1 => Just(0),
    ];
    prop::collection::vec((time, 0u32..3, a_command()), 1..14)
}

/// Brings the numbers of guests and domains into range.
fn fit(command: Command, guests: usize, domains: usize) -> Command {
    let mut command = command;
    match &mut command {
        Command::Admit { guest }
        | Command::Retire { guest, .. }
        | Command::Suspend { guest }
        | Command::Resume { guest }
        | Command::SetTerms { guest, .. }
        | Command::LimitFrames { guest, .. } => *guest %= guests,
        Command::Reset { domain, .. } => *domain %= domains,
    }
    command
}

/// Leaves the start of some guests open, by the bits of `open`.
fn leave_open(scenario: &mut Scenario, open: u32) {
    let guests = scenario.guests.iter_mut().enumerate();
    for (_, guest) in guests.filter(|(index, _)| open >> index & 1 == 1) {
        if guest.within.is_none() && !matches!(guest.holds, Holds::Process { .. }) {
            guest.start = FOREVER;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: from_environment("COMMANDS_CASES", 300) as u32,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(from_environment("COMMANDS_SEED", 20_261_204)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn commands_are_obeyed_alike_at_every_speed(scenario in a_scenario(), open in 0u32..8, orders in orders()) {
        let mut scenario = scenario;
        leave_open(&mut scenario, open);
        let (guests, domains) = (member_count(&scenario), scenario.gpus[0].domains().len());
        let orders: Vec<Order> = orders
            .into_iter()
            .map(|(time, rank, command)| (time, rank, fit(command, guests, domains)))
            .collect();
        run(&scenario, &orders);
    }

    /// All starts by command.
    #[test]
    fn a_start_by_command_is_a_start_by_scenario(scenario in a_scenario()) {
        let expected = simulate(&scenario);
        let mut open = scenario.clone();
        // In the order of their starts, which then are open.
        let mut order: Vec<usize> = (0..scenario.guests.len()).collect();
        order.sort_by_key(|&index| {
            let guest = &scenario.guests[index];
            (guest.start, guest.order, guest.name.clone())
        });
        for (place, index) in order.into_iter().enumerate() {
            open.guests[index].start = FOREVER;
            open.guests[index].order = place as i64;
        }
        let orders: Vec<Order> = expected
            .layout
            .guests
            .iter()
            .enumerate()
            .map(|(guest, instance)| {
                let start = scenario.guests[instance.group].start;
                (start, guest as u32, Command::Admit { guest })
            })
            .collect();
        prop_assert_eq!(&expected, &run(&open, &orders));
    }
}
