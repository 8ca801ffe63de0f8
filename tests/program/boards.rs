//! Boards with several GPUs, vGPUs of several sizes, and what instances offer: one answer from every command.

use assert_cmd::Command;
use std::path::{Path, PathBuf};
use warpshare::diagnostics::Diagnostics;
use warpshare::experiment::{Options, Silent, run};
use warpshare::result::RunResult;
use warpshare::scenario::{Origin, Overrides, Scenario, parse};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases")
}

fn loaded(text: &str) -> Result<Scenario, String> {
    parse("s.toml", text, &cases(), &Overrides::default())
        .map(|loaded| loaded.scenario)
        .map_err(|findings| Diagnostics(findings).render())
}

fn scenario(text: &str) -> Scenario {
    loaded(text).unwrap_or_else(|error| panic!("{error}"))
}

fn case(name: &str) -> String {
    std::fs::read_to_string(cases().join(name)).expect("a case")
}

fn result(scenario: &Scenario) -> RunResult {
    run(scenario, &Options::default(), &Silent).expect("it runs")
}

/// What a command says about a case: its exit code, its stdout and its stderr.
fn warpshare(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("warpshare").expect("the binary is built");
    let output = command.current_dir(cases()).args(arguments).output();
    let output = output.expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Where each value of `--explain` under this path comes from.
fn explained(scenario: &Scenario, path: &str) -> Vec<String> {
    let values = scenario.resolved.iter();
    let values = values.filter(|value| value.path == path);
    values.map(|value| value.value.clone()).collect()
}

/// Jobs of 4 ms, one after the other, at fixed times: nothing is drawn.
const FIXED: &str = r#"
[workloads.w]
arrivals = { process = "closed", think = "20ms" }
stages.r.gpu.time = "4ms"
[run]
duration = "2s"
replications = 1
"#;

#[test]
fn a_card_is_its_gpus_written_out() {
    let card = format!(
        "[gpus.a]\ncard = \"a16\"\n[guests.d]\nvgpu = \"A16-4Q\"\ncount = 12\nworkload = \"w\"\n{FIXED}"
    );
    let mut by_hand = FIXED.to_owned();
    for gpu in 0..4 {
        by_hand.push_str(&format!(
            "[gpus.a{gpu}]\nboard = \"a16\"\n\
             [guests.d{gpu}]\non = \"a{gpu}\"\nvgpu = \"A16-4Q\"\ncount = 3\nworkload = \"w\"\n"
        ));
    }
    let (card, by_hand) = (result(&scenario(&card)), result(&scenario(&by_hand)));
    let [group] = card.guests.as_slice() else {
        panic!("one group stays one group");
    };
    assert_eq!((group.count, group.gpu.as_str()), (12, "a"));
    assert_eq!(group.gpus, ["a.0", "a.1", "a.2", "a.3"]);
    assert_eq!(group.members[5].gpu.as_deref(), Some("a.1"));
    let names: Vec<&str> = card.gpus.iter().map(|gpu| gpu.name.as_str()).collect();
    assert_eq!(names, group.gpus);
    // All latencies of the four groups by hand, in one.
    let hand: u64 = by_hand
        .guests
        .iter()
        .map(|guest| guest.response.histogram.count)
        .sum();
    let sums: u128 = by_hand
        .guests
        .iter()
        .map(|guest| guest.response.histogram.sum_ns)
        .sum();
    assert!(hand > 500, "{hand}");
    assert_eq!(group.response.histogram.count, hand);
    assert_eq!(group.response.histogram.sum_ns, sums);
    for (own, hand) in card.gpus.iter().zip(&by_hand.gpus) {
        assert_eq!(own.split, hand.split);
        assert_eq!(own.fairness, hand.fairness);
    }
    assert!(card.checks.iter().all(|check| check.holds));
}

/// Each member's arrivals are those of its name and ordinal, wherever it is.
#[test]
fn draws_do_not_depend_on_the_placement() {
    let on = |placement: &str| {
        let text = format!(
            "[gpus.a]\ncard = \"a16\"\n{placement}\n\
             [guests.d]\nvgpu = \"A16-2Q\"\ncount = 10\nworkload = \"w\"\n\
             [workloads.w]\narrivals = {{ process = \"poisson\", rate = \"20/s\" }}\n\
             stages.r.gpu.time = \"1ms\"\n[run]\nduration = \"2s\"\nreplications = 2\n"
        );
        result(&scenario(&text))
    };
    let (breadth, depth) = (on(""), on("placement = \"depth-first\""));
    let arrivals = |result: &RunResult| -> Vec<u64> {
        let members = result.guests[0].members.iter();
        members.map(|member| member.jobs.arrived).collect()
    };
    assert_eq!(arrivals(&breadth), arrivals(&depth));
    // Eight of this size fit on a GPU, then the next one.
    assert_eq!(depth.guests[0].gpus, ["a.0", "a.1"]);
    let first = |member: usize| depth.guests[0].members[member].gpu.as_deref();
    assert_eq!((first(7), first(8)), (Some("a.0"), Some("a.1")));
    assert_eq!(depth.gpus.len(), 4);
}

/// Board, sharing and guests of each GPU are those of the file by hand, so that latencies differ by draws alone.
#[test]
fn twelve_lines_say_what_sixty_did() {
    let card = case("a16-card.toml");
    assert!(card.lines().count() <= 13, "{card}");
    let card = scenario(&card);
    let by_hand = scenario(&case("a16-12cad.toml"));
    assert_eq!(
        explained(&card, "guests.designer.placement"),
        ["3 on a.0, 3 on a.1, 3 on a.2, 3 on a.3 (breadth-first)"]
    );
    let group = &card.guests[0];
    assert_eq!((card.gpus.len(), by_hand.gpus.len()), (4, 4));
    for (index, (own, hand)) in card.gpus.iter().zip(&by_hand.gpus).enumerate() {
        assert_eq!(format!("{:?}", own.board), format!("{:?}", hand.board));
        assert_eq!(own.division, hand.division);
        let theirs = &by_hand.guests[index];
        assert_eq!(theirs.gpu, index);
        assert_eq!(group.count_on(index), theirs.count);
        assert_eq!(group.holds, theirs.holds);
        assert_eq!(
            (group.streams, group.deadline),
            (theirs.streams, theirs.deadline)
        );
        assert_eq!(
            format!("{:?}", group.workload),
            format!("{:?}", theirs.workload)
        );
    }
}

#[test]
fn what_all_gpus_of_a_card_share_is_said_once() {
    let card = scenario(&case("a16-card.toml"));
    for (path, value) in [
        ("gpus.a.card", "a16"),
        ("gpus.a.gpus", "4"),
        ("gpus.a.sm_count", "10"),
        ("gpus.a.placement", "breadth-first"),
        ("gpus.a.share.scheduler", "best-effort"),
    ] {
        assert_eq!(explained(&card, path), [value], "{path}");
    }
    // Equal share has shorter slices for a type of which more than eight may exist.
    let text = "[gpus.a]\ncard = \"a16\"\nshare.scheduler = \"equal-share\"\n\
                [guests.d]\nvgpu = \"A16-1Q\"\ncount = 3\nworkload = \"w\"\n\
                [guests.large]\non = \"a.0\"\nvgpu = \"A16-2Q\"\nworkload = \"w\"\n";
    let uneven = scenario(&format!("{text}{FIXED}"));
    assert_eq!(explained(&uneven, "gpus.a.share.slice"), [] as [&str; 0]);
    let slices: Vec<Vec<String>> = (0..4)
        .map(|gpu| explained(&uneven, &format!("gpus.a.{gpu}.share.slice")))
        .collect();
    assert_ne!(slices[0], slices[1]);
    assert_eq!(slices[1], slices[2]);
    assert_eq!(slices[1], slices[3]);
}

#[test]
fn guests_may_name_one_gpu_of_a_card() {
    let text = "[gpus.a]\ncard = \"a16\"\n\
                [guests.large]\non = \"a.2\"\nvgpu = \"A16-8Q\"\nworkload = \"w\"\n\
                [guests.small]\non = \"a\"\nvgpu = \"A16-4Q\"\ncount = 12\nworkload = \"w\"\n";
    let found = scenario(&format!("{text}{FIXED}"));
    // One size a GPU: the small ones are on the other three.
    assert_eq!(
        explained(&found, "guests.small.placement"),
        ["4 on a.0, 4 on a.1, 4 on a.3 (breadth-first)"]
    );
    let result = result(&found);
    assert_eq!(result.guests[0].gpu, "a.2");
    assert_eq!(result.guests[0].gpus, [] as [&str; 0]);
}

/// Breadth-first leaves no GPU free for another size; the remedy that the refusal names does.
#[test]
fn depth_first_keeps_gpus_free_for_other_sizes() {
    let text = "[gpus.a]\ncard = \"a16\"\n\
                [guests.first]\nvgpu = \"A16-4Q\"\ncount = 4\nworkload = \"w\"\n\
                [guests.second]\nvgpu = \"A16-8Q\"\nworkload = \"w\"\n";
    let text = format!("{text}{FIXED}");
    let refused = loaded(&text).unwrap_err();
    assert!(
        refused.contains("placement = \"depth-first\" keeps GPUs free"),
        "{refused}"
    );
    let depth = scenario(&text.replace("\"a16\"\n", "\"a16\"\nplacement = \"depth-first\"\n"));
    assert_eq!(
        explained(&depth, "guests.second.placement"),
        ["1 on a.1 (depth-first)"]
    );
    // Thirteen small ones are on all four, whatever the order: it is not offered.
    let refused = loaded(&text.replace("count = 4", "count = 13")).unwrap_err();
    assert!(!refused.contains("depth-first"), "{refused}");
}

/// A group of processes is where its virtual machines are.
#[test]
fn processes_follow_their_machines_over_a_card() {
    let text = "[gpus.a]\ncard = \"a16\"\n\
                [guests.vm]\nvgpu = \"A16-4Q\"\ncount = 6\nworkload = \"w\"\n\
                [guests.more]\ninside = \"vm\"\ncount = 2\nworkload = \"w\"\n";
    let result = result(&scenario(&format!("{text}{FIXED}")));
    let more = &result.guests[0];
    assert_eq!((more.name.as_str(), more.count), ("more", 12));
    let on: Vec<&str> = more
        .members
        .iter()
        .filter_map(|member| member.gpu.as_deref())
        .collect();
    assert_eq!(
        on,
        [
            "a.0", "a.0", "a.1", "a.1", "a.2", "a.2", "a.3", "a.3", "a.0", "a.0", "a.1", "a.1"
        ]
    );
    assert!(result.checks.iter().all(|check| check.holds));
}

#[test]
fn one_gpu_of_a_card_is_pointed_out() {
    let (_, _, err) = warpshare(&["validate", "err-22.toml"]);
    let wanted = "write card = \"a16\": the card has 4 GPUs, and 4 of `A16-4Q` fit on each";
    assert!(err.contains(wanted), "{err}");
    let one = "[gpus.a]\nboard = \"a16\"\n[guests.d]\nvgpu = \"A16-4Q\"\nworkload = \"w\"\n";
    let one = scenario(&format!("{one}{FIXED}"));
    assert_eq!(
        one.notices,
        ["gpus.a is one of the 4 GPUs of a card a16; card = \"a16\" is all of them"]
    );
    assert_eq!(one.gpus.len(), 1);
    // Four by hand are a card.
    let four = scenario(&case("a16-12cad.toml"));
    assert_eq!(four.notices, [] as [&str; 0]);
}

/// The remedy that `err-22` names works.
#[test]
fn the_card_holds_what_one_gpu_did_not() {
    let whole = case("err-22.toml").replace("board = \"a16\"", "card = \"a16\"");
    let found = scenario(&whole);
    assert_eq!(
        explained(&found, "guests.desktop.placement"),
        ["4 on a.0, 4 on a.1, 4 on a.2, 4 on a.3 (breadth-first)"]
    );
}

/// `import --list`, `import`, `validate` and `run` agree on mixed sizes.
#[test]
fn mixed_sizes_have_one_answer() {
    // 24 GB in all, but no placement ids hold them.
    let fact = "no placement ids hold 3 × A10-4Q + 2 × A10-6Q together";
    let (_, list, _) = warpshare(&[
        "import",
        "vdm-mixed-a10.yaml",
        "--gpu",
        "a10",
        "--list",
        "--json",
    ]);
    assert!(
        list.contains("\"fits\": false") && list.contains(fact),
        "{list}"
    );
    let (code, _, err) = warpshare(&["import", "vdm-mixed-a10.yaml#mixed", "--gpu", "a10"]);
    assert!(code == Some(3) && err.contains(fact), "{err}");
    for command in ["validate", "run"] {
        let (code, _, err) = warpshare(&[command, "vdm-mixed-run.toml"]);
        assert!(code == Some(2) && err.contains(fact), "{command}: {err}");
    }
    // By hand, in the scenario.
    let mixed = case("vdm-mixed-run.toml").replace(
        "config = \"vdm-mixed-a10.yaml#mixed\"",
        "vgpu_sizes = \"mixed\"",
    );
    let refused = loaded(&mixed).unwrap_err();
    assert!(refused.contains(fact), "{refused}");
    assert!(
        refused.contains("2 × A10-4Q + 2 × A10-6Q would fit"),
        "{refused}"
    );
    // What would fit does.
    let fits = mixed.replace("count = 3", "count = 2");
    let found = scenario(&fits);
    assert_eq!(explained(&found, "guests.q6.placement_ids"), ["0, 6"]);
    assert_eq!(explained(&found, "guests.q4.placement_ids"), ["12, 20"]);
    assert_eq!(result(&found).guests.len(), 2);
}

#[test]
fn overfull_configs_are_refused_for_what_they_are() {
    let (_, list, _) = warpshare(&[
        "import",
        "vdm-overfull.yaml",
        "--gpu",
        "a10",
        "--list",
        "--json",
    ]);
    assert!(!list.contains("\"fits\": true"), "{list}");
    for fact in [
        "7 × A10-4Q: a GPU holds at most 6",
        "5 × A10-4Q: a GPU in mixed-size mode holds at most 4",
        "24 × A10-1Q: a GPU in mixed-size mode holds at most 16",
    ] {
        assert!(list.contains(fact), "{fact}: {list}");
    }
}

/// A config of several sizes turns the mode on, with a remark.
#[test]
fn an_imported_config_turns_mixed_sizes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let two = case("vdm-mixed-a10.yaml").replace("\"A10-4Q\": 3", "\"A10-4Q\": 2");
    std::fs::write(folder.path().join("vdm-mixed-a10.yaml"), two).expect("written");
    let text = case("vdm-mixed-run.toml").replace("count = 3", "count = 2");
    let found = parse("s.toml", &text, folder.path(), &Overrides::default());
    let found = found
        .unwrap_or_else(|e| panic!("{}", Diagnostics(e).render()))
        .scenario;
    assert!(
        found.notices[0].contains("mixed-size mode") && found.notices[0].contains("A10-6Q at 0 6"),
        "{:?}",
        found.notices
    );
    let sizes = found
        .resolved
        .iter()
        .find(|value| value.path == "gpus.a.vgpu_sizes");
    let sizes = sizes.expect("the mode is said");
    assert!(
        matches!(&sizes.origin, Origin::Configuration { .. }),
        "{sizes:?}"
    );
    let mut command = Command::cargo_bin("warpshare").expect("the binary is built");
    let path = folder.path().join("vdm-mixed-a10.yaml#mixed");
    let output = command
        .arg("import")
        .arg(&path)
        .args(["--gpu", "a10"])
        .output();
    let text = String::from_utf8(output.expect("it starts").stdout).expect("UTF-8");
    assert!(text.contains("vgpu_sizes = \"mixed\""), "{text}");
}

/// The limit of MPS shrinks with the instance: six of 48 in one of seven slices, unless it is said not to.
#[test]
fn mps_serves_fewer_clients_in_an_instance() {
    let seven = case("mps-in-1g.toml");
    let refused = loaded(&seven).unwrap_err();
    assert!(
        refused.contains("MPS serves at most 6 contexts here"),
        "{refused}"
    );
    scenario(&seven.replace("count = 7", "count = 6"));
    let all = "[assumptions]\n\"mps.instance_clients\" = \"undivided\"\n";
    scenario(&format!("{seven}{all}"));
    let larger = seven.replace("1g.10gb", "2g.20gb");
    scenario(&larger.replace("count = 7", "count = 13"));
    let refused = loaded(&larger.replace("count = 7", "count = 14")).unwrap_err();
    assert!(refused.contains("at most 13 contexts here"), "{refused}");
}

/// `memory_limit` is that of one client: two clients have twice as much in all.
#[test]
fn a_memory_limit_is_of_each_client() {
    let two = case("mps-limit-per-client.toml");
    let result = result(&scenario(&two));
    assert_eq!(result.memory[0].held_bytes, 2 * (9 << 30));
    // 9 GiB held in a limit of 8 is refused, whatever another client leaves.
    let refused = loaded(&two.replace("10GiB", "8GiB")).unwrap_err();
    assert!(
        refused.contains("holds more than it may allocate"),
        "{refused}"
    );
}

#[test]
fn compute_instances_of_a_captured_h200_are_known() {
    let found = scenario(&case("h200-ci.toml"));
    assert_eq!(
        explained(&found, "gpus.a.instances.big.cis.x.sm_count"),
        ["16"]
    );
    assert_eq!(
        explained(&found, "gpus.a.instances.big.cis.y.sm_count"),
        ["32"]
    );
    assert_eq!(
        explained(&found, "gpus.a.instances.big.cis.y.profile"),
        ["2c.3g.71gb"]
    );
}
