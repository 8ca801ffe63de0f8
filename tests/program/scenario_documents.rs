//! Generated documents are up to date, and the scenarios of the repository are valid.
//!
//! `UPDATE_DOCUMENTS=1 cargo test --test program scenario_documents` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};
use warpshare::policy::registry::{self, Registered, Use};
use warpshare::policy::spatial::{self, Spatial};
use warpshare::policy::{Preempts, Starvation, Weights};
use warpshare::scenario::legal::{LEGAL, MODES};
use warpshare::scenario::{self, Overrides};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn up_to_date(path: &str, wanted: &str) {
    let path = root().join(path);
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::write(&path, wanted).expect("the document can be written");
    }
    let held = fs::read_to_string(&path).unwrap_or_default();
    let help = "regenerate it with UPDATE_DOCUMENTS=1";
    assert!(held == wanted, "{} is out of date; {help}", path.display());
}

#[test]
fn assumptions_are_documented() {
    up_to_date("docs/assumptions.md", &scenario::assumptions::document());
}

/// The tables of `docs/policies.md`, each between its marks.
#[test]
fn policies_are_documented() {
    let path = "docs/policies.md";
    let mut text = fs::read_to_string(root().join(path)).expect("the page of policies");
    let rows: String = registry::all().iter().map(scheduler_row).collect();
    let head = "| Scheduler | What it does | Goes by | Work-conserving | Preempts | Shares | Fair within | \
                Longest wait | Source |\n|---|---|---|---|---|---|---|---|---|\n";
    let divisions: String = spatial::all().iter().map(division_row).collect();
    let division_head = "| `division` | Who may fill what | Goes by | Left unused | Source |\n|---|---|---|---|---|\n";
    for (name, table) in [
        ("policies", format!("{head}{rows}")),
        ("divisions", format!("{division_head}{divisions}")),
        ("keys", scenario::parameters::document()),
    ] {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let (before, rest) = text.split_once(&begin).expect("the mark before the table");
        let (_, after) = rest.split_once(&end).expect("the mark behind the table");
        text = format!("{before}{begin}{table}{end}{after}");
    }
    up_to_date(path, &text);
}

fn division_row(policy: &Spatial) -> String {
    let goes_by = match (policy.weighted, policy.prioritized) {
        (true, true) => "weight, priority",
        (true, false) => "weight",
        (false, true) => "priority",
        (false, false) => "nothing of these",
    };
    let unused = match policy.fixed_parts {
        true => "parts of clients without work",
        false => "nothing that somebody can fill",
    };
    format!(
        "| `{}` | {} | {goes_by} | {unused} | {} |\n",
        policy.name, policy.about, policy.source
    )
}

/// What the recipe for a policy of one's own shows is code that is compiled and run: the page quotes it.
#[test]
fn the_recipe_is_code_that_runs() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect(path);
    let page = read("docs/policies.md");
    let code = ["examples/own_policy.rs", "tests/own_policy.rs"].map(read);
    let blocks: Vec<&str> = page.split("```rust\n").skip(1).collect();
    assert!(blocks.len() >= 3, "{} blocks", blocks.len());
    for block in blocks {
        let block = block.split("```").next().unwrap_or_default();
        assert!(
            code.iter().any(|file| file.contains(block)),
            "nothing that runs has this:\n{block}"
        );
    }
}

/// The tables of metrics in `docs/metrics.md`, each between its marks.
#[test]
fn metrics_are_documented() {
    let path = "docs/metrics.md";
    let mut text = fs::read_to_string(root().join(path)).expect("the page of metrics");
    for (name, table) in warpshare::metrics::document::tables() {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let (before, rest) = text.split_once(&begin).expect("the mark before the table");
        let (_, after) = rest.split_once(&end).expect("the mark behind the table");
        text = format!("{before}{begin}{table}{end}{after}");
    }
    up_to_date(path, &text);
}

fn scheduler_row(scheduler: &Registered) -> String {
    let yes = |is| if is { "yes" } else { "no" };
    let uses = scheduler.uses.iter().map(|what| match what {
        Use::Slice => "slice",
        Use::Weight => "weight",
        Use::Priority => "priority",
        Use::Reservation => "reservation",
        Use::Deadline => "deadline",
        Use::ReservedTurns => "reserved turns",
        Use::Draws => "chance",
    });
    let own = scheduler.parameters.iter().map(|parameter| parameter.name);
    let uses: Vec<_> = uses.chain(own).collect();
    let properties = scheduler.properties;
    let (shares, within) = match properties.weights {
        Weights::Equal { slices } => ("equal", format!("{slices}")),
        Weights::Proportional { slices } => ("by weight", format!("{slices}")),
        Weights::OnAverage => ("by weight", "on average".to_owned()),
        Weights::Other => ("other", "–".to_owned()),
    };
    let wait = match properties.starvation {
        Starvation::Slices(slices) => {
            format!("{}; {}", slices(&[1; 4], 0), slices(&[1, 1, 2, 4], 0))
        }
        Starvation::ReservedTurns => "reserved turns less 1".to_owned(),
        Starvation::Before => "for what came before".to_owned(),
        Starvation::Visits => "for a visit to each other".to_owned(),
        Starvation::Chance => "by chance".to_owned(),
        Starvation::Unbounded => "for ever".to_owned(),
    };
    format!(
        "| `{}` | {} | {} | {} | {} | {shares} | {within} | {wait} | {} |\n",
        scheduler.name,
        scheduler.about,
        if uses.is_empty() {
            "nothing of these".to_owned()
        } else {
            uses.join(", ")
        },
        yes(properties.work_conserving),
        match properties.preempts {
            Preempts::Never => "no",
            Preempts::Urgent => "yes",
            Preempts::Some => "some work",
        },
        scheduler.source,
    )
}

#[test]
fn schema_is_committed() {
    up_to_date("docs/scenario.schema.json", &scenario::schema::schema());
}

fn scenarios() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("scenarios"))
        .expect("the folder of scenarios")
        .map(|entry| entry.expect("an entry of it").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn json(text: &str) -> serde_json::Value {
    let table: toml::Table = toml::from_str(text).expect("TOML");
    serde_json::to_value(table).expect("JSON")
}

#[test]
fn schemas_of_results_are_committed() {
    up_to_date("docs/summary.schema.json", &warpshare::report::run_schema());
    up_to_date(
        "docs/comparison.schema.json",
        &warpshare::report::comparison_schema(),
    );
}

/// The columns of `--records` in `docs/results.md`: the part between its marks is generated.
#[test]
fn columns_of_records_are_documented() {
    let path = "docs/results.md";
    let text = fs::read_to_string(root().join(path)).expect("the page of results");
    let (begin, end) = ("<!-- records -->\n", "<!-- /records -->");
    let (before, rest) = text.split_once(begin).expect("the mark before the table");
    let (_, after) = rest.split_once(end).expect("the mark behind the table");
    let columns = warpshare::experiment::RECORD_COLUMNS.iter();
    let rows: String = columns
        .map(|(name, what)| format!("| `{name}` | {what} |\n"))
        .collect();
    let head = "| column | content |\n| --- | --- |\n";
    up_to_date(path, &format!("{before}{begin}{head}{rows}{end}{after}"));
}

#[test]
fn scenarios_are_valid_and_fit_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&scenario::schema::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    for path in scenarios() {
        let text = fs::read_to_string(&path).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&json(&text))
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        let loaded = scenario::load(&path, &Overrides::default());
        let loaded = loaded.unwrap_or_else(|findings| {
            panic!("{}", warpshare::diagnostics::Diagnostics(findings).render())
        });
        assert!(loaded.warnings.is_empty(), "{}", path.display());
    }
    // The schema refuses what the program refuses.
    for (right, wrong) in [
        ("duration = \"30s\"", "durations = \"30s\""),
        ("duration = \"30s\"", "duration = 30"),
        ("duration = \"30s\"", "duration = \"30 parsecs\""),
        ("\"best-effort\"", "\"best-efort\""),
        ("mean = \"6ms\"", "mean = \"6MiB\""),
    ] {
        let text = fs::read_to_string(root().join("scenarios/quickstart.toml")).unwrap();
        assert!(text.contains(right));
        assert!(
            !validator.is_valid(&json(&text.replace(right, wrong))),
            "{wrong}"
        );
    }
}

/// The examples of the reference are fragments of one valid scenario.
#[test]
fn reference_examples_are_valid() {
    let pages = ["docs/scenario.md", "docs/policies.md"];
    let text = pages.map(|page| fs::read_to_string(root().join(page)).unwrap());
    let text = text.concat();
    let mut examples = 0;
    for block in text.split("```toml\n").skip(1) {
        let example = block.split("```").next().unwrap();
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenario");
        if example.contains("[run]") && example.contains("[gpus") {
            let loaded = scenario::parse("example", example, &base, &Overrides::default());
            if let Err(findings) = loaded {
                let findings = warpshare::diagnostics::Diagnostics(findings);
                panic!("{example}\n{}", findings.render());
            }
            examples += 1;
        } else {
            toml::from_str::<toml::Table>(example).expect("an example is TOML");
        }
    }
    assert!(examples >= 2, "{examples} whole examples");
}

#[test]
fn legal_combinations_are_documented() {
    let text = fs::read_to_string(root().join("docs/scenario.md")).unwrap();
    for row in LEGAL {
        let vgpus = if row.vgpus { "yes" } else { "neutral only" };
        let line = format!(
            "| `{}` | {vgpus} | {} | {} | {} |",
            row.scheduler,
            row.contexts.words(),
            if row.inside { "yes" } else { "no" },
            row.why
        );
        assert!(text.contains(&line), "docs/scenario.md lacks: {line}");
    }
    for row in MODES {
        let modes: Vec<String> = row
            .modes
            .iter()
            .map(|m| format!("`{}`", m.word()))
            .collect();
        let line = format!(
            "| {} | {} | {} | {} |",
            row.part.words(),
            if row.vgpus { "vGPUs" } else { "CUDA contexts" },
            if modes.is_empty() {
                "none".to_owned()
            } else {
                modes.join(", ")
            },
            row.why
        );
        assert!(text.contains(&line), "docs/scenario.md lacks: {line}");
    }
}
