use super::*;
use crate::experiment::{Options, Silent, run};
use crate::result::RunResult;
use crate::scenario::{Overrides, Scenario, parse};
use proptest::prelude::*;
use std::sync::Arc;

/// Two GPUs, each a cell of its own; a deadline, batches, and guests that are two.
const TEXT: &str = r#"
preset = "neutral"
[run]
horizon = "terminating"
duration = "200ms"
drain = "50ms"
replications = 3
[gpus.a]
board = "neutral"
switch = { save = "50us" }
share = { scheduler = "best-effort", slice = "2ms" }
[gpus.b]
board = "neutral"
share = { scheduler = "best-effort", slice = "1ms" }
[guests.many]
on = "a"
context = true
deadline = "8ms"
workload = "many"
[guests.together]
on = "a"
context = true
workload = "together"
[guests.elsewhere]
on = "b"
context = true
count = 2
workload = "many"
[workloads.many]
arrivals = { process = "poisson", rate = "90/s" }
stages.s.gpu.time = { dist = "exponential", mean = "5ms" }
[workloads.together]
arrivals = { process = "poisson", rate = "100/s" }
batching = { max = 4, delay = "5ms" }
stages.s.gpu.time = "8ms"
"#;

fn scenario(text: &str) -> Scenario {
    let loaded = parse("stored", text, ".".as_ref(), &Overrides::default());
    loaded.expect("a scenario").scenario
}

fn run_with(scenario: &Scenario, store: &Arc<Store>) -> RunResult {
    let options = Options {
        threads: Some(1),
        store: Some(store.clone()),
        ..Options::default()
    };
    run(scenario, &options, &Silent).expect("a run")
}

fn bytes(result: &RunResult) -> String {
    serde_json::to_string(result).expect("JSON")
}

/// Outcomes in memory.
fn kept(store: &Store) -> &Mutex<BTreeMap<Key, Vec<u8>>> {
    let Place::Memory(kept) = &store.place else {
        panic!("a store in memory");
    };
    kept
}

/// What a run with this text takes out of the store of a run of [`TEXT`], and what it simulates.
fn reused(text: &str) -> (u64, u64) {
    let store = Arc::new(Store::in_memory());
    run_with(&scenario(TEXT), &store);
    let (taken, simulated) = (store.taken(), store.simulated());
    // 2 cells and 4 guests, in 3 replications.
    assert_eq!((taken, simulated), (0, 3 * (2 + 2 * 4)));
    run_with(&scenario(text), &store);
    (store.taken(), store.simulated() - simulated)
}

#[test]
fn what_does_not_reach_a_task_leaves_its_key() {
    assert_eq!(reused(TEXT), (30, 0));
    let titled = format!("title = \"Another\"\n{TEXT}");
    assert_eq!(reused(&titled), (30, 0));
    // More replications: those that are there stay.
    assert_eq!(
        reused(&TEXT.replace("replications = 3", "replications = 5")),
        (30, 20)
    );
    // Another cell: GPU a and its two guests stay, and the guests of b alone on its board.
    assert_eq!(
        reused(&TEXT.replace("slice = \"1ms\"", "slice = \"3ms\"")),
        (3 * (1 + 2 * 2 + 2), 3 * (1 + 2))
    );
}

#[test]
fn what_reaches_a_task_changes_its_key() {
    for (from, to) in [
        ("duration = \"200ms\"", "duration = \"201ms\""),
        ("drain = \"50ms\"", "drain = \"51ms\""),
        ("replications = 3", "replications = 3\nseed = 9"),
    ] {
        assert_eq!(reused(&TEXT.replace(from, to)).0, 0, "{to}");
    }
    // Of a guest that is alone on its board and shares it with one that does not: the other's baselines stay.
    let changed = TEXT.replace("deadline = \"8ms\"", "deadline = \"9ms\"");
    assert_eq!(reused(&changed), (3 * (1 + 4 + 1), 3 * (1 + 2 + 1)));
}

#[test]
fn policies_share_the_baselines_on_undivided_boards_alone() {
    let store = Arc::new(Store::of_baselines());
    run_with(&scenario(TEXT), &store);
    assert_eq!((store.taken(), store.simulated()), (0, 24));
    run_with(
        &scenario(&TEXT.replace("best-effort", "deficit-round-robin")),
        &store,
    );
    assert_eq!((store.taken(), store.simulated()), (12, 36));
}

#[test]
fn a_folder_with_other_files_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("thesis.txt"), "all of it").expect("written");
    assert!(Store::open(folder.path()).is_err());
}

#[test]
fn files_of_no_use_are_named_and_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = scenario(TEXT);
    let open = || Arc::new(Store::open(folder.path()).expect("a store"));
    let first = run_with(&scenario, &open());
    let mut files = Vec::new();
    for part in fs::read_dir(folder.path()).expect("parts") {
        let part = part.expect("an entry").path();
        if part.is_dir() {
            files.extend(
                fs::read_dir(part)
                    .expect("files")
                    .map(|f| f.expect("a file").path()),
            );
        }
    }
    files.sort();
    assert_eq!(files.len(), 30);
    // One is cut, one has a bit that flipped, one is of another version, one lies under another's name.
    let read = |index: usize| fs::read(&files[index]).expect("bytes");
    let cut = read(0);
    fs::write(&files[0], &cut[..cut.len() / 2]).expect("written");
    let mut flipped = read(1);
    let middle = flipped.len() / 2;
    flipped[middle] ^= 4;
    fs::write(&files[1], flipped).expect("written");
    let mut text = String::new();
    let bytes_of_2 = read(2);
    GzDecoder::new(bytes_of_2.as_slice())
        .read_to_string(&mut text)
        .expect("text");
    let mut old = GzEncoder::new(Vec::new(), Compression::fast());
    let of_old = text.replacen("\"format\":1", "\"format\":0", 1);
    old.write_all(of_old.as_bytes()).expect("compressed");
    fs::write(&files[2], old.finish().expect("compressed")).expect("written");
    fs::write(&files[3], read(4)).expect("written");
    let store = open();
    let second = run_with(&scenario, &store);
    assert_eq!(bytes(&first), bytes(&second));
    assert_eq!((store.taken(), store.simulated()), (26, 4));
    let remarks = store.remarks();
    assert_eq!(remarks.len(), 4, "{remarks:?}");
    for (index, word) in [
        (0, "damaged"),
        (1, "damaged"),
        (2, "another version"),
        (3, "damaged"),
    ] {
        let name = files[index].display().to_string();
        let said = |remark: &&String| remark.contains(&name) && remark.contains(word);
        assert!(remarks.iter().any(|r| said(&r)), "{word}: {remarks:?}");
    }
    let store = open();
    run_with(&scenario, &store);
    assert_eq!((store.taken(), store.simulated()), (30, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Any mixture of stored and fresh outcomes gives the same bytes as no store.
    #[test]
    fn a_store_never_shows_in_a_result(gone in proptest::collection::vec(any::<bool>(), 30)) {
        let scenario = scenario(TEXT);
        let without = run(&scenario, &Options::default(), &Silent).expect("a run");
        let store = Arc::new(Store::in_memory());
        run_with(&scenario, &store);
        let mut gone = gone.into_iter();
        locked(kept(&store)).retain(|_, _| !gone.next().unwrap_or(false));
        let left = locked(kept(&store)).len() as u64;
        let mixed = run_with(&scenario, &store);
        prop_assert_eq!(store.taken(), left);
        prop_assert_eq!(bytes(&without), bytes(&mixed));
    }
}
