//! Traces: where guests enter them, the clock that they share, what is drawn of them.

use crate::common::*;
use std::fs;
use std::path::{Path, PathBuf};
use warpshare::engine::random::Stream;
use warpshare::engine::time::Nanos;
use warpshare::scenario::{Loaded, Overrides, Scenario, load, parse};

const MS: Nanos = 1_000_000;

/// Ten rows with distances of 1 to 10 ms: every place of the trace can be told by the next distances.
const ROWS: [Nanos; 10] = [0, 1, 3, 6, 10, 15, 21, 28, 36, 45];

fn case(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/cases")
        .join(file)
}

fn loaded(file: &str) -> Loaded {
    load(&case(file), &Overrides::default()).unwrap_or_else(|findings| {
        panic!("{}", warpshare::diagnostics::Diagnostics(findings).render())
    })
}

/// A group of `count` guests who replay `files` of `ROWS` at the same time; one workload for each.
fn try_scenario(
    files: &[(&str, &str)],
    arrivals: &[&str],
    count: u32,
    run: &str,
) -> Result<Scenario, String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a trace");
    }
    let mut text = format!(
        "preset = \"neutral\"\n[run]\nhorizon = \"terminating\"\nreplications = 1\nseed = 1\n{run}\n[gpus.a]\n\
         board = \"neutral\"\nshare = {{ scheduler = \"round-robin\", slice = \"1ms\" }}\n"
    );
    for (index, arrivals) in arrivals.iter().enumerate() {
        text.push_str(&format!(
            "[guests.g{index}]\ncontext = true\nstreams = 1000\ncount = {count}\nworkload = \"w{index}\"\n\
             [workloads.w{index}]\narrivals = {{ process = \"trace\", {arrivals} }}\n\
             stages.s.gpu = {{ time = \"1ns\", sms = 1 }}\n"
        ));
    }
    parse("traces", &text, folder.path(), &Overrides::default())
        .map(|loaded| loaded.scenario)
        .map_err(|findings| warpshare::diagnostics::Diagnostics(findings).render())
}

fn csv(rows: &[Nanos]) -> String {
    rows.iter()
        .fold("t\n".to_owned(), |text, row| format!("{text}{row}\n"))
}

const T: &str = "file = \"t.csv\", time = \"t\", time_format = \"milliseconds\"";

fn scenario(more: &str, count: u32, duration: &str) -> Scenario {
    let arrivals = format!("{T}{more}");
    let run = format!("duration = \"{duration}\"");
    try_scenario(&[("t.csv", csv(&ROWS).as_str())], &[&arrivals], count, &run).expect("a scenario")
}

/// Arrival times and job indices of each guest, in order of time.
fn arrivals(scenario: &Scenario) -> Vec<Vec<(Nanos, u64)>> {
    let total: u32 = scenario.guests.iter().map(|guest| guest.count).sum();
    let mut found = vec![Vec::new(); total as usize];
    for (who, job) in jobs(scenario) {
        let before: u32 = scenario.guests[..who.group].iter().map(|g| g.count).sum();
        found[(before + who.ordinal) as usize].push((job.arrival, job.index));
    }
    found.iter_mut().for_each(|jobs| jobs.sort_unstable());
    found
}

fn times(scenario: &Scenario) -> Vec<Vec<Nanos>> {
    let jobs = arrivals(scenario);
    jobs.iter()
        .map(|own| own.iter().map(|job| job.0).collect())
        .collect()
}

/// Where the guest with this ordinal enters: the documented draw, as a part of the cycle.
fn place(ordinal: u32, index: u64, cycle: Nanos) -> Nanos {
    let draws = Stream::new(1, 0, "g0", ordinal, "entry");
    (draws.at(index).uniform() * cycle as f64) as Nanos
}

/// The rows from `entry` on, over and over with this period, up to `end`.
fn rotated(entry: Nanos, period: Nanos, end: Nanos) -> Vec<Nanos> {
    let rounds = (0..).map(|round| round * period);
    let all = rounds.flat_map(|begin| ROWS.map(|row| begin + row * MS));
    all.skip_while(|&time| time < entry)
        .map(|time| time - entry)
        .take_while(|&time| time < end)
        .collect()
}

#[test]
fn guests_of_a_group_enter_a_trace_at_places_of_their_own() {
    let found = times(&scenario(", repeat_every = \"60ms\"", 3, "150ms"));
    assert_eq!(found[0], rotated(0, 60 * MS, 150 * MS));
    for ordinal in 1..3 {
        let entry = place(ordinal, 0, 60 * MS);
        assert!(entry > 0);
        assert_eq!(found[ordinal as usize], rotated(entry, 60 * MS, 150 * MS));
    }
    assert_ne!(found[1], found[2]);
    // Who else is in the group does not matter.
    let more = times(&scenario(", repeat_every = \"60ms\"", 5, "150ms"));
    assert_eq!(more[..3], found[..]);
    let one = times(&scenario(", repeat_every = \"60ms\"", 1, "150ms"));
    assert_eq!(one[..], found[..1]);
}

#[test]
fn a_trace_that_does_not_repeat_comes_once_from_the_entry_on() {
    // Its length is the last row and the mean distance more: 45 + 45 / 9 = 50 ms.
    let found = times(&scenario("", 3, "1s"));
    assert_eq!(found[0], ROWS.map(|row| row * MS));
    for ordinal in 1..3u32 {
        let entry = place(ordinal, 0, 50 * MS);
        let own = &found[ordinal as usize];
        assert_eq!(own.len(), 10);
        assert_eq!(own[..], rotated(entry, 50 * MS, 50 * MS)[..]);
    }
}

#[test]
fn the_entry_can_be_the_begin_for_all_or_a_place_for_each() {
    let start = times(&scenario(", enter = \"start\"", 3, "1s"));
    assert!(start.iter().all(|own| own[..] == ROWS.map(|row| row * MS)));
    let random = times(&scenario(", enter = \"random\"", 2, "1s"));
    for (ordinal, own) in random.iter().enumerate() {
        let entry = place(ordinal as u32, 0, 50 * MS);
        assert_eq!(own[..], rotated(entry, 50 * MS, 50 * MS)[..]);
    }
    // Thinned, guests have rows of their own, and keep the clock.
    let thinned = scenario(", keep = 0.5", 2, "1s");
    let rows = ROWS.map(|row| row * MS);
    assert!(
        times(&thinned)
            .iter()
            .flatten()
            .all(|time| rows.contains(time))
    );
    let chance = |more: &str, count| scenario(more, count, "1s").has_chance();
    assert!(!chance("", 1) && chance("", 2));
    assert!(!chance(", enter = \"start\"", 2));
    assert!(chance(", enter = \"random\"", 1) && chance(", block = \"20ms\"", 1));
}

/// A job is row number index mod 10 of the trace wherever guests enter it: sizes go with rows.
#[test]
fn jobs_are_the_rows_that_they_come_from() {
    for more in [
        ", repeat_every = \"60ms\"",
        ", enter = \"random\", repeat_every = \"60ms\"",
        ", block = \"17ms\", repeat_every = \"60ms\"",
    ] {
        let scenario = scenario(more, 2, "2s");
        for own in arrivals(&scenario) {
            assert!(own.len() > 200, "{more}: {}", own.len());
            let mut distances = 0;
            for two in own.windows(2) {
                let (from, to) = (two[0].1 % 10, two[1].1 % 10);
                if to == from + 1 {
                    // Rows k and k + 1 are k + 1 ms apart, but for a seam of blocks.
                    distances += usize::from(two[1].0 - two[0].0 == (from + 1) * MS);
                }
            }
            assert!(distances > 100, "{more}: {distances}");
            let mut indices: Vec<u64> = own.iter().map(|job| job.1).collect();
            indices.sort_unstable();
            indices.dedup();
            assert_eq!(indices.len(), own.len(), "each job has an index of its own");
        }
    }
}

#[test]
fn blocks_are_pieces_from_drawn_places() {
    let (length, cycle) = (20 * MS, 60 * MS);
    let found = times(&scenario(
        ", block = \"20ms\", repeat_every = \"60ms\"",
        1,
        "100ms",
    ));
    let expected: Vec<Nanos> = (0..5)
        .flat_map(|block| {
            let piece = rotated(place(0, block, cycle), cycle, length);
            piece.into_iter().map(move |time| block * length + time)
        })
        .collect();
    assert_eq!(found[0], expected);
    // Without a period they are as long as the trace in all.
    let once = times(&scenario(", block = \"20ms\"", 1, "1s"));
    assert!(once[0].iter().all(|&time| time < 50 * MS));
    // The rate is that of the trace: 10 rows in 60 ms.
    let long = times(&scenario(
        ", block = \"20ms\", repeat_every = \"60ms\"",
        1,
        "120s",
    ));
    let number = long[0].len() as f64;
    assert!((number / 20_000.0 - 1.0).abs() < 0.04, "{number}");
}

#[test]
fn blocks_have_a_sensible_length_and_no_other_entry() {
    let refused = |more: &str| {
        let arrivals = format!("{T}{more}");
        let rows = csv(&ROWS);
        try_scenario(
            &[("t.csv", rows.as_str())],
            &[&arrivals],
            1,
            "duration = \"1s\"",
        )
        .expect_err("a mistake")
    };
    assert!(
        refused(", block = \"4ms\"")
            .contains("must be from 5ms (the mean distance of rows) to 50ms")
    );
    assert!(refused(", block = \"51ms\"").contains("`block` is out of range"));
    assert!(
        refused(", block = \"20ms\", enter = \"random\"")
            .contains("`enter` does not apply with `block`")
    );
    assert!(
        refused(", block = \"20ms\", clock = \"common\"").contains("`clock` does not apply here")
    );
    assert!(
        refused(", enter = \"random\", clock = \"own\"").contains("`clock` does not apply here")
    );
}

/// b's first job comes 50 ms after a's.
#[test]
fn traces_of_one_recording_keep_their_common_clock() {
    let loaded = loaded("common-clock/two.toml");
    let found = times(&loaded.scenario);
    assert_eq!(found, [[0, 100 * MS], [50 * MS, 150 * MS]]);
    let notices = &loaded.scenario.notices;
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(
        notices[0].contains("`b.csv` begins 50ms after `a.csv`"),
        "{}",
        notices[0]
    );
}

fn two(a: &str, b: &str, rows_b: &[Nanos]) -> Result<Scenario, String> {
    let file = |name: &str, more: &str| {
        format!("file = \"{name}.csv\", time = \"t\", time_format = \"milliseconds\"{more}")
    };
    let (a, b) = (file("a", a), file("b", b));
    let files = [("a.csv", csv(&[100, 200])), ("b.csv", csv(rows_b))];
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    try_scenario(&files, &[&a, &b], 1, "duration = \"10s\"")
}

#[test]
fn the_clock_can_be_chosen() {
    let b = |scenario: &Scenario| {
        times(scenario)[1]
            .iter()
            .map(|t| t / MS)
            .collect::<Vec<_>>()
    };
    let own = two("", ", clock = \"own\"", &[150, 250]).expect("a scenario");
    assert_eq!(b(&own), [0, 100]);
    assert!(own.notices.is_empty(), "{:?}", own.notices);
    // Recordings that do not overlap: each begins with its own first row, and that is said.
    let apart = two("", "", &[5150, 5250]).expect("a scenario");
    assert_eq!(b(&apart), [0, 100]);
    assert!(
        apart.notices[0].contains("do not overlap"),
        "{:?}",
        apart.notices
    );
    let asked = two(
        ", clock = \"common\"",
        ", clock = \"common\"",
        &[5150, 5250],
    )
    .expect("a scenario");
    assert_eq!(b(&asked), [5050, 5150]);
    // What is skipped of the clock, and stretched.
    let offset =
        two(", offset = \"20ms\"", ", offset = \"20ms\"", &[150, 250]).expect("a scenario");
    assert_eq!(times(&offset), [vec![80 * MS], vec![30 * MS, 130 * MS]]);
    let late = two("", ", offset = \"70ms\"", &[150, 250]).expect("a scenario");
    assert_eq!(b(&late), [80]);
    let slow = two("", ", stretch = 2.0", &[150, 250]).expect("a scenario");
    assert_eq!(b(&slow), [100, 300]);
    // Begun anew, they stay apart.
    let again = two(
        ", repeat_every = \"1s\"",
        ", repeat_every = \"1s\"",
        &[150, 250],
    )
    .expect("a scenario");
    assert_eq!(b(&again)[..4], [50, 150, 1050, 1150]);
    let behind = two(
        ", clock = \"common\"",
        ", clock = \"common\"",
        &[20_150, 20_250],
    )
    .expect("a scenario");
    assert!(
        behind.notices[0].contains("after the end of the run"),
        "{:?}",
        behind.notices
    );
}

#[test]
fn dates_and_numbers_have_no_clock_in_common() {
    let files = [
        ("a.csv", "t\n0\n9\n"),
        ("b.csv", "t\n1970-01-01 00:00:01\n1970-01-01 00:00:02\n"),
    ];
    let a = "file = \"a.csv\", time = \"t\", time_format = \"seconds\"";
    let b = "file = \"b.csv\", time = \"t\", time_format = \"timestamp\"";
    let found = try_scenario(&files, &[a, b], 1, "duration = \"20s\"").expect("a scenario");
    assert_eq!(times(&found)[1], [0, 1000 * MS]);
    let common = |text: &str| format!("{text}, clock = \"common\"");
    let refused = try_scenario(&files, &[&common(a), &common(b)], 1, "duration = \"20s\"");
    assert!(
        refused
            .expect_err("a mistake")
            .contains("have no clock in common")
    );
}

/// Four desktops that replay one recording: in step, the board is busy for all at once.
#[test]
fn four_guests_of_one_recording_are_not_in_step() {
    let loaded = loaded("trace-lockstep/four.toml");
    let mut scenario = loaded.scenario;
    scenario.run.window = 60_000 * MS;
    let shared = times(&scenario);
    assert_eq!(shared.len(), 4);
    for (ordinal, own) in shared.iter().enumerate() {
        assert!(!own.is_empty());
        let others = shared
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != ordinal);
        for (_, other) in others {
            // Frames of different guests that come at one time: by chance only.
            let together = own.iter().filter(|time| other.contains(time)).count();
            assert!(together * 10 < own.len(), "{together} of {}", own.len());
        }
    }
    let text = fs::read_to_string(case("trace-lockstep/four.toml")).expect("the case");
    // Without frames: a limiter holds some back, and of different guests different ones.
    let text = text.replace("frames = {}\n", "");
    let text = text.replace("repeat_every", "enter = \"start\", repeat_every");
    let folder = case("trace-lockstep");
    let mut start = parse("start", &text, &folder, &Overrides::default())
        .expect("a scenario")
        .scenario;
    start.run.window = scenario.run.window;
    let in_step = times(&start);
    for own in &in_step {
        assert_eq!(own, &in_step[0]);
    }
}

#[test]
fn groups_of_one_guest_in_step_are_told() {
    let rows = csv(&ROWS);
    let both = try_scenario(&[("t.csv", rows.as_str())], &[T, T], 1, "duration = \"1s\"")
        .expect("a scenario");
    assert_eq!(times(&both)[0], times(&both)[1]);
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("t.csv"), csv(&ROWS)).expect("a trace");
    let text = format!(
        "preset = \"neutral\"\n[run]\nduration = \"1s\"\n[gpus.a]\nboard = \"neutral\"\nshare = {{ scheduler = \
         \"round-robin\", slice = \"1ms\" }}\n[guests.a]\ncontext = true\nworkload = \"w\"\n[guests.b]\ncontext = true\n\
         workload = \"w\"\n[workloads.w]\narrivals = {{ process = \"trace\", {T} }}\nstages.s.gpu.time = \"1ms\"\n"
    );
    let loaded = parse("step", &text, folder.path(), &Overrides::default()).expect("a scenario");
    let notices = &loaded.scenario.notices;
    assert!(
        notices[0].starts_with("guests a, b replay the rows of workload w in step"),
        "{notices:?}"
    );
}

/// Windows of ServeGen: 7 ms each, entered anywhere.
#[test]
fn windows_are_entered_anywhere() {
    let windows = "0,1000,1,Gamma,1,1\n1,0,0,,0,0\n2,3000,1,Gamma,1,1\n";
    let files = [("w.csv", windows)];
    let of = |more: &str, count| {
        let arrivals = format!("format = \"servegen\", file = \"w.csv\"{more}");
        try_scenario(&files, &[&arrivals], count, "duration = \"9s\"").expect("a scenario")
    };
    // By default all keep the clock.
    let start = times(&of("", 2));
    let second = 1000 * MS;
    assert!(
        start
            .iter()
            .flatten()
            .all(|time| !(second..2 * second).contains(time))
    );
    let random = times(&of(", enter = \"random\"", 3));
    for (ordinal, own) in random.iter().enumerate() {
        let entry = place(ordinal as u32, 0, 3 * second);
        // Nothing comes in the quiet second, wherever it is now, and all is over after three.
        let quiet = |time: &Nanos| (second..2 * second).contains(&((time + entry) % (3 * second)));
        assert!(!own.iter().any(quiet));
        assert!(own.iter().all(|&time| time < 3 * second));
        // 1,000 and 3,000 in a second: within 6 standard deviations.
        assert!(own.len().abs_diff(4_000) < 380, "{}", own.len());
    }
    let again = times(&of(", enter = \"random\", repeat_every = \"3s\"", 1));
    assert!(again[0].len().abs_diff(12_000) < 660, "{}", again[0].len());
}
