//! The invariants of the architecture, kept by reading the sources: see `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A room and the rooms that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("diagnostics", &[]),
    ("stats", &["engine"]),
    ("catalog", &["diagnostics"]),
    ("mig", &["catalog", "diagnostics"]),
    ("policy", &["engine"]),
    ("workload", &["engine", "diagnostics", "stats"]),
    ("gpu", &["engine", "policy", "workload"]),
    ("vgpu", &["catalog", "workload"]),
    (
        "import",
        &["catalog", "diagnostics", "mig", "vgpu", "workload"],
    ),
    (
        "scenario",
        &[
            "engine",
            "catalog",
            "diagnostics",
            "mig",
            "import",
            "policy",
            "workload",
            "gpu",
            "vgpu",
            "metrics",
        ],
    ),
    ("sim", &["engine", "policy", "workload", "gpu", "scenario"]),
    ("result", &[]),
    ("metrics", &["diagnostics", "result"]),
    (
        "experiment",
        &[
            "engine",
            "diagnostics",
            "stats",
            "policy",
            "workload",
            "gpu",
            "scenario",
            "sim",
            "result",
            "metrics",
        ],
    ),
    (
        "conformance",
        &[
            "engine",
            "diagnostics",
            "policy",
            "workload",
            "gpu",
            "scenario",
            "sim",
            "experiment",
        ],
    ),
    ("report", &["metrics", "result"]),
    ("check", &["metrics", "report", "result"]),
    ("calibrate", &["diagnostics", "gpu"]),
];

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path)
            .expect("a readable folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        entries.sort();
        entries.iter().for_each(|entry| sources(entry, found));
    } else if path.extension().is_some_and(|ext| ext == "rs") {
        found.push(path.to_owned());
    }
}

fn files_of(room: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root.join(room), &mut found);
    sources(&root.join(format!("{room}.rs")), &mut found);
    found.retain(|path| path.exists());
    found
}

/// The code of a file that ships: no comments, and nothing from its tests on.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a readable source");
    let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = shipped
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn dependencies_point_one_way() {
    let mut wrong = Vec::new();
    for (room, allowed) in MAY_USE {
        let files = files_of(room);
        assert!(!files.is_empty(), "there is no room `{room}`");
        for file in files {
            for part in code(&file).split("crate::").skip(1) {
                let used: String = part
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                let known = MAY_USE.iter().any(|(name, _)| *name == used) || used == "cli";
                if known && used != *room && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{} uses crate::{used}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The floors in `src/` list every room once, and no room uses one of a floor above: the compiler keeps that,
/// as long as no room is taken for another floor without leaving its own.
#[test]
fn every_room_is_on_one_floor() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut listed: Vec<String> = Vec::new();
    for floor in ["model", "input", "simulation", "lib"] {
        let text = fs::read_to_string(src.join(format!("{floor}.rs"))).expect("a floor");
        let rooms = text
            .lines()
            .filter_map(|line| line.strip_prefix("pub mod "));
        listed.extend(rooms.map(|room| room.trim_end_matches(';').to_owned()));
    }
    listed.sort();
    let mut known: Vec<String> = MAY_USE.iter().map(|(room, _)| (*room).to_owned()).collect();
    known.push("cli".to_owned());
    known.sort();
    assert_eq!(listed, known);
}

/// Nothing in the model may depend on clocks, hash seeds or global randomness.
#[test]
fn the_model_is_deterministic_by_construction() {
    let forbidden = [
        "HashMap",
        "HashSet",
        "SystemTime",
        "Instant::now",
        "thread_rng",
        "rand::rng(",
    ];
    let mut wrong = Vec::new();
    for (room, _) in MAY_USE.iter().filter(|(room, _)| *room != "report") {
        for file in files_of(room) {
            let code = code(&file);
            for word in forbidden {
                if code.contains(word) {
                    wrong.push(format!("{} mentions {word}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The engine could be a crate of its own.
#[test]
fn the_engine_knows_nothing_of_gpus() {
    for file in files_of("engine") {
        let code = code(&file).to_lowercase();
        for word in ["gpu", "guest", "tenant", "policy", "scenario"] {
            assert!(!code.contains(word), "{} mentions {word}", file.display());
        }
    }
}

#[test]
fn files_have_one_subject() {
    let mut long = Vec::new();
    let mut all = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    for file in all {
        let lines = fs::read_to_string(&file)
            .expect("a readable source")
            .lines()
            .count();
        if lines > 600 {
            long.push(format!("{}: {lines} lines", file.display()));
        }
    }
    assert!(long.is_empty(), "split these:\n{}", long.join("\n"));
}

/// A new kind of guest is a file and a row of the table in `sim/serving/mod.rs`: nothing else of the simulator asks
/// which kind a guest is.
#[test]
fn only_kinds_of_guests_know_their_kind() {
    let mut wrong = Vec::new();
    for file in files_of("sim") {
        let text = file.to_string_lossy().replace('\\', "/");
        if text.contains("/sim/serving/") {
            continue;
        }
        let code = code(&file);
        let asks = code.split("Serving::").skip(1);
        let asks = asks.filter(|rest| !rest.starts_with("new("));
        if asks.count() > 0 || code.contains("Discipline") {
            wrong.push(text);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The folders of `scenario`, in the order in which a value passes them: each may use those before it.
const WAY_OF_A_VALUE: &[&str] = &["key", "read", "elements", "settle", "out"];

/// Rooms with circles of files that are still to be opened.
const WITH_CIRCLES: &[&str] = &[
    "experiment",
    "gpu",
    "import",
    "mig",
    "report",
    "sim",
    "workload",
];

/// The modules of a room by their paths within it (`""` is the room itself), each with those that it uses.
///
/// A part may use what stands in the folder above it: a parent and its part are no circle.
fn modules_of(room: &str) -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut codes: BTreeMap<String, String> = BTreeMap::new();
    for file in files_of(room) {
        let within = file.strip_prefix(&root).expect("a file of the room");
        let names = within.with_extension("");
        let names = names.iter().skip(1).map(|name| name.to_string_lossy());
        let names: Vec<_> = names.filter(|name| name != "mod").collect();
        if !names.iter().any(|name| name == "tests") {
            codes.insert(names.join("::"), code(&file));
        }
    }
    let uses = |module: &String, code: &String| {
        let paths = paths_in(code).into_iter();
        let found = paths.filter_map(|path| resolved(&path, room, module, &codes));
        found
            .filter(|used| used != module && !used.is_empty())
            .filter(|used| !module.starts_with(&format!("{used}::")))
            .collect()
    };
    codes
        .iter()
        .map(|(module, code)| (module.clone(), uses(module, code)))
        .collect()
}

/// All paths of a code that begin with `crate`, `super` or `self`, groups in braces taken apart.
fn paths_in(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':') {
                expand(&code[at..], "", &mut paths);
            }
        }
    }
    paths
}

/// Adds the paths that the text begins with; returns what follows them.
fn expand<'t>(text: &'t str, before: &str, paths: &mut Vec<String>) -> &'t str {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let end = text.find(|c: char| !word(c)).unwrap_or(text.len());
    let path = format!("{before}{}", &text[..end]);
    let mut rest = &text[end..];
    if !(rest.starts_with('{') && path.ends_with("::")) {
        paths.push(path);
        return rest;
    }
    rest = &rest[1..];
    while !rest.trim_start().starts_with('}') && !rest.trim().is_empty() {
        rest = expand(rest.trim_start(), &path, paths);
        // Past another name for it, if there is one, to the next entry.
        let next = rest.find([',', '}']).unwrap_or(rest.len());
        rest = rest[next..].strip_prefix(',').unwrap_or(&rest[next..]);
    }
    rest.trim_start().strip_prefix('}').unwrap_or("")
}

/// The module of the room that a path leads to.
fn resolved(
    path: &str,
    room: &str,
    module: &str,
    modules: &BTreeMap<String, String>,
) -> Option<String> {
    let mut here: Vec<&str> = module.split("::").filter(|name| !name.is_empty()).collect();
    let mut names: Vec<&str> = path.split("::").filter(|name| !name.is_empty()).collect();
    match *names.first()? {
        "crate" if names.get(1) == Some(&room) => {
            here.clear();
            names.drain(..2);
        }
        "crate" => return None,
        "self" => drop(names.remove(0)),
        _ => {
            while names.first() == Some(&"super") {
                here.pop()?;
                names.remove(0);
            }
        }
    }
    here.extend(names);
    while !here.is_empty() && !modules.contains_key(&here.join("::")) {
        here.pop();
    }
    Some(here.join("::"))
}

/// The modules that can be reached from one.
fn reached<'m>(
    from: &str,
    uses: &'m BTreeMap<String, BTreeSet<String>>,
    found: &mut BTreeSet<&'m str>,
) {
    for next in uses.get(from).into_iter().flatten() {
        if found.insert(next) {
            reached(next, uses, found);
        }
    }
}

#[test]
fn a_value_goes_one_way_through_the_scenario() {
    let place = |module: &str| {
        let folder = module.split("::").next().unwrap_or("");
        WAY_OF_A_VALUE.iter().position(|name| *name == folder)
    };
    let mut wrong = Vec::new();
    for (module, uses) in modules_of("scenario") {
        for used in uses {
            if place(&module).is_some_and(|own| place(&used) > Some(own)) {
                wrong.push(format!("scenario::{module} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_of_a_room_do_not_go_in_circles() {
    let mut wrong = Vec::new();
    for (room, _) in MAY_USE {
        let uses = modules_of(room);
        let circle = |module: &&String| {
            let mut found = BTreeSet::new();
            reached(module, &uses, &mut found);
            found.contains(module.as_str())
        };
        let circling: Vec<&str> = uses.keys().filter(circle).map(String::as_str).collect();
        match (circling.is_empty(), WITH_CIRCLES.contains(room)) {
            (true, false) | (false, true) => {}
            (false, false) => wrong.push(format!("{room}: {}", circling.join(", "))),
            (true, true) => wrong.push(format!("{room} has none: take it off the list")),
        }
    }
    assert!(wrong.is_empty(), "circles of files:\n{}", wrong.join("\n"));
}
