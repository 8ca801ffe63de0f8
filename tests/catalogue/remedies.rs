//! What messages about boards, types and engines offer works when it is followed: remedies are read out
//! of the messages and applied, and the error must be gone.

use std::fs;
use std::path::{Path, PathBuf};
use warpshare::diagnostics::{Diagnostic, Severity};
use warpshare::scenario::{Overrides, parse};

const FILE: &str = "remedy.toml";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn errors(text: &str, base: &Path, boards: Option<&Path>) -> Vec<Diagnostic> {
    let overrides = Overrides {
        boards: boards.map(Path::to_path_buf),
        ..Overrides::default()
    };
    let found = parse(FILE, text, base, &overrides)
        .err()
        .unwrap_or_default();
    let error = |f: &Diagnostic| f.severity == Severity::Error;
    found.into_iter().filter(error).collect()
}

/// One way to do what a message says.
#[derive(Debug)]
enum Remedy {
    /// The scenario as it becomes.
    Scenario(String),
    /// A boards file beside the scenario.
    Boards(String),
}

/// What stands in backquotes, in order.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn marked(text: &str, finding: &Diagnostic, name: &str) -> Option<Remedy> {
    let span = finding.span.clone()?;
    let old = text.get(span.clone())?;
    let new = match old.starts_with('"') {
        true => format!("\"{name}\""),
        false => name.to_owned(),
    };
    let mut changed = text.to_owned();
    changed.replace_range(span, &new);
    Some(Remedy::Scenario(changed))
}

/// Puts a line below the header of a table.
fn below(text: &str, header: &str, line: &str) -> Option<Remedy> {
    let at = text.find(&format!("[{header}]\n"))? + header.len() + 3;
    let mut changed = text.to_owned();
    changed.insert_str(at, &format!("{line}\n"));
    Some(Remedy::Scenario(changed))
}

/// Every remedy that the help of a finding offers.
fn remedies(text: &str, finding: &Diagnostic) -> Vec<Remedy> {
    let help = finding.help.clone().unwrap_or_default();
    let mut found: Vec<Option<Remedy>> = Vec::new();
    if let Some((_, meant)) = help.split_once("did you mean ")
        && let Some((meant, _)) = meant.split_once('?')
    {
        let names = quoted(meant).into_iter();
        found.extend(names.map(|name| marked(text, finding, name)));
    }
    // "give `gpus.a.sm_count`, such as sm_count = 84"
    if let Some((_, rest)) = help.split_once("give `")
        && let Some((path, rest)) = rest.split_once('`')
        && let Some((_, example)) = rest.split_once("such as ")
        && let Some((key, _)) = example.split_once(" = ")
        && let Some(at) = path.find(&format!(".{key}"))
    {
        found.push(below(text, &path[..at], example));
    }
    // "give `engines = { nvenc = 1 }` for GPU `a`, or `nvenc` as `[boards.a10]` in a boards file"
    if let Some((_, rest)) = help.split_once("give `engines = ")
        && let [.., column, table] = quoted(&help)[..]
    {
        let engines = rest.split('`').next().unwrap_or_default();
        let gpu = rest.split("GPU `").nth(1).and_then(|r| r.split('`').next());
        let header = format!("gpus.{}", gpu.unwrap_or_default());
        found.push(below(text, &header, &format!("engines = {engines}")));
        found.push(Some(Remedy::Boards(format!("{table}\n{column} = 1\n"))));
    }
    // "give `max_per_gpu` as `[vgpu_types.a40.\"A40-3B\"]` in a boards file"
    if help.contains("` in a boards file")
        && let [column, table] = quoted(&help)[..]
    {
        found.push(Some(Remedy::Boards(format!("{table}\n{column} = 8\n"))));
    }
    // "ask for 12 or fewer, or use the smaller type `A40-2Q`", "use `A40-4Q` of the same size"
    if let Some((_, rest)) = help.split_once("ask for ")
        && let Some((number, _)) = rest.split_once(" or fewer")
        && let Some(at) = text.find("count = ")
    {
        let end = text[at..]
            .find('\n')
            .map_or(text.len(), |length| at + length);
        let mut changed = text.to_owned();
        changed.replace_range(at..end, &format!("count = {number}"));
        found.push(Some(Remedy::Scenario(changed)));
    }
    for lead in ["smaller type `", "time-sliced type `", "use `"] {
        if let Some((_, rest)) = help.split_once(lead)
            && let Some((name, _)) = rest.split_once('`')
        {
            found.push(marked(text, finding, name));
        }
    }
    found.into_iter().flatten().collect()
}

/// Follows every remedy of every error; returns how many there were.
fn follow(text: &str, base: &Path) -> usize {
    let mut followed = 0;
    for finding in errors(text, base, None) {
        if finding.file != FILE {
            continue; // another file is at fault
        }
        for (number, remedy) in remedies(text, &finding).into_iter().enumerate() {
            let left = match &remedy {
                Remedy::Scenario(changed) => errors(changed, base, None),
                Remedy::Boards(boards) => {
                    let file = tempfile::NamedTempFile::new().expect("a temporary file");
                    fs::write(file.path(), boards).expect("it can be written");
                    errors(text, base, Some(file.path()))
                }
            };
            assert!(
                left.iter().all(|other| other.title != finding.title),
                "remedy {number} does not work\n{}\n{remedy:?}",
                finding.render()
            );
            followed += 1;
        }
    }
    followed
}

fn case(name: &str) -> String {
    fs::read_to_string(root().join("tests/data/cases").join(name)).expect("the case is there")
}

/// A scenario of one GPU; `work` is the body of its workload.
fn scenario(gpu: &str, guest: &str, work: &str) -> String {
    format!(
        "[run]\nduration = \"2s\"\n[gpus.a]\n{gpu}\n[guests.g]\n{guest}\nworkload = \"w\"\n[workloads.w]\n\
         arrivals = {{ process = \"poisson\", rate = \"10/s\" }}\n{work}\n"
    )
}

#[test]
fn each_remedy_about_boards_types_and_engines_works() {
    let plain = "stages.work.gpu.time = \"4ms\"";
    let encode = "sequence = [\"work\", \"enc\"]\nneeds = [\"encode\"]\n\
                  stages.work.gpu.time = \"4ms\"\nstages.enc.nvenc.time = \"3ms\"";
    let engine = |kind: &str| {
        format!(
            "sequence = [\"work\", \"media\"]\nstages.work.gpu.time = \"4ms\"\n\
             stages.media.{kind}.time = \"3ms\""
        )
    };
    let graphics = "needs = [\"graphics\"]\nstages.work.gpu.time = \"4ms\"";
    let cuda = "needs = [\"cuda\"]\nstages.work.gpu.time = \"4ms\"";
    let cases = [
        // Names of boards and types, each with what the board or the types are.
        (scenario("board = \"a4O\"", "context = true", plain), 1),
        (scenario("board = \"a100\"", "context = true", plain), 4),
        (scenario("board = \"a40\"", "vgpu = \"L40S-4Q\"", plain), 1),
        (scenario("board = \"a40\"", "vgpu = \"A40-4X\"", plain), 1),
        (
            scenario(
                "board = \"a40\"",
                "context = true",
                &format!("reference = \"a4O\"\n{plain}"),
            ),
            1,
        ),
        // Engines whose number nobody knows: a guest that encodes, with and without a vGPU.
        (scenario("board = \"a10\"", "vgpu = \"A10-4Q\"", encode), 3),
        (
            scenario("board = \"v100-pcie-16gb\"", "context = true", encode),
            3,
        ),
        (
            scenario("board = \"a10\"", "context = true", &engine("nvdec")),
            1,
        ),
        (
            scenario("board = \"a10\"", "context = true", &engine("jpeg")),
            1,
        ),
        (
            scenario("board = \"a10\"", "context = true", &engine("ofa")),
            1,
        ),
        // Figures that nobody knows.
        (
            scenario("board = \"gh200-144gb\"", "context = true", plain),
            1,
        ),
        (scenario("board = \"l2\"", "vgpu = \"L2-4Q\"", plain), 1),
        (scenario("board = \"a40\"", "vgpu = \"A40-3B\"", plain), 1),
        // Too many, and types that do not offer what the work needs.
        (
            scenario("board = \"a40\"", "vgpu = \"A40-4Q\"\ncount = 13", plain),
            2,
        ),
        (
            scenario("board = \"a40\"", "vgpu = \"A40-4C\"", graphics),
            1,
        ),
        (scenario("board = \"a40\"", "vgpu = \"A40-4A\"", cuda), 1),
        (
            scenario(
                "board = \"a100-sxm4-40gb\"",
                "vgpu = \"A100X-1-10C\"",
                plain,
            ),
            1,
        ),
    ];
    for (text, number) in cases {
        assert_eq!(follow(&text, root()), number, "{text}");
    }
}

/// What the scenarios that show errors offer in the form "did you mean" and "such as".
#[test]
fn remedies_of_the_bad_scenarios_work() {
    let folder = root().join("tests/scenario");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder of bad scenarios")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    let followed: usize = files
        .iter()
        .map(|path| follow(&fs::read_to_string(path).expect("it is text"), &folder))
        .sum();
    assert!(followed >= 20, "{followed}");
}

/// The T4 encodes: its number of encoders is known, and giving it is accepted too.
#[test]
fn a_t4_encodes() {
    for name in ["b-t4-nvenc.toml", "t4-encode.toml"] {
        let text = case(name);
        let left = errors(&text, root(), None);
        assert!(left.is_empty(), "{name}: {left:?}");
    }
    // The same on a board of which the number is not known, with the number given.
    let text = case("b-t4-nvenc.toml");
    let other = text.replace("\"t4\"", "\"a2\"").replace("T4-1B", "A2-1B");
    assert!(errors(&other, root(), None).is_empty());
    let without = other.replace("engines={nvenc=1}\n", "");
    assert_ne!(without, other);
    assert!(follow(&without, root()) >= 2);
}
