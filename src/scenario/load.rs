//! Entry points: from a file or text to a checked [`Scenario`].

use crate::diagnostics::Diagnostic;
use crate::scenario::elements::run::Overrides;
use crate::scenario::key::checker::Checker;
use crate::scenario::out::canonical;
use crate::scenario::read::set::Extended;
use crate::scenario::read::{syntax, text};
use crate::scenario::settle::assemble;
use crate::scenario::settle::scenario::Scenario;
use std::path::Path;
use std::sync::Arc;

/// A scenario that can be run, and what its writer should know.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub scenario: Scenario,
    pub warnings: Vec<Diagnostic>,
}

/// Reads and checks a scenario file.
///
/// # Errors
///
/// All that is wrong with it, in the order of the text.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Loaded, Vec<Diagnostic>> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let title = format!("cannot read scenario `{shown}`: {error}");
        vec![Diagnostic::file_error(&shown, title)]
    })?;
    let source = syntax::decode(&bytes).map_err(|(cause, source)| {
        vec![Diagnostic {
            source: Arc::from(source),
            span: cause.span,
            label: cause.label,
            help: Some(cause.help),
            ..Diagnostic::file_error(&shown, cause.title)
        }]
    })?;
    let base = path.parent().unwrap_or(Path::new(""));
    let name = path
        .file_stem()
        .map_or(shown.clone(), |stem| stem.to_string_lossy().into_owned());
    let mut loaded = parse(&shown, &source, base, overrides)?;
    loaded.scenario.name = name;
    Ok(loaded)
}

/// Checks the text of a scenario. `name` stands in messages and is the scenario's name; files that
/// the text names are looked for in `base`.
///
/// ```
/// use warpshare_input::scenario::{Overrides, parse};
/// let text = r#"
/// preset = "neutral"
/// [run]
/// duration = "10s"
/// [gpus.a]
/// board = "neutral"
/// share.slice = "1ms"
/// [guests.g]
/// context = true
/// workload = "w"
/// [workloads.w]
/// arrivals = { process = "poisson", rate = "100/s" }
/// stages.work.gpu.time = "4ms"
/// "#;
/// let loaded = parse("example", text, ".".as_ref(), &Overrides::default()).unwrap();
/// assert_eq!(loaded.scenario.guests[0].workload.stages.len(), 1);
/// ```
///
/// # Errors
///
/// All that is wrong with it, in the order of the text.
pub fn parse(
    name: &str,
    source: &str,
    base: &Path,
    overrides: &Overrides,
) -> Result<Loaded, Vec<Diagnostic>> {
    let extended = Extended::new(source, &overrides.set)?;
    let understood = text::understand(name, &extended);
    let mut c = Checker::new(name, extended.text.clone(), base.to_path_buf());
    c.end = extended.end;
    let syntax = understood.findings.has_errors() && understood.refused.is_empty();
    c.findings = understood.findings;
    c.refused = understood.refused;
    c.merge(understood.merged);
    let scenario = if syntax {
        None
    } else {
        assemble::scenario(&mut c, name, understood.raw, overrides)
    };
    for finding in &mut c.findings.0 {
        extended.settle(finding);
    }
    c.findings.sort();
    match scenario {
        Some(mut scenario) if !c.findings.has_errors() => {
            scenario.hash = canonical::hash(&scenario);
            Ok(Loaded {
                scenario,
                warnings: c.findings.0,
            })
        }
        _ => {
            if !c.findings.has_errors() {
                let title = "the scenario cannot be resolved, for a reason that warpshare lost; \
                             please report this as a defect";
                c.findings.push(Diagnostic::file_error(name, title));
            }
            Err(c.findings.0)
        }
    }
}
