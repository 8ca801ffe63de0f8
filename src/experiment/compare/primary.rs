//! Which metrics a comparison is about.

use super::metrics::{Row, comparable};
use crate::diagnostics::nearest;
use crate::metrics::{self, PLAIN, Scope, Statistic};
use crate::scenario::Scenario;

/// The primary metrics: those that were named, or else the usual ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Primary(Option<Vec<Name>>);

#[derive(Debug, Clone, PartialEq)]
struct Name {
    /// Of this guest or GPU alone; `None` = of all that have it.
    of: Option<String>,
    /// Such as `response.p95`.
    metric: String,
}

impl Primary {
    /// Reads names such as `response.p99`, `p99` (of the response), `antt`, `chat.first_token.p99` (of one guest or
    /// GPU).
    ///
    /// # Errors
    ///
    /// A name that no guest or GPU of the scenario can have, or one that comes twice.
    pub fn parse(names: &str, scenario: &Scenario) -> Result<Primary, String> {
        let known = known(scenario);
        let mut found: Vec<Name> = Vec::new();
        for text in names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let name = read(text, &known).ok_or_else(|| unknown(text, &known))?;
            if found.contains(&name) {
                return Err(format!("--metrics names `{text}` twice"));
            }
            found.push(name);
        }
        match found.is_empty() {
            true => Err("--metrics names no metric".to_owned()),
            false => Ok(Primary(Some(found))),
        }
    }

    /// As the result has them.
    pub(super) fn names(&self) -> Vec<String> {
        match &self.0 {
            None => usual(),
            Some(names) => names
                .iter()
                .map(|name| match &name.of {
                    Some(of) => format!("{of}.{}", name.metric),
                    None => name.metric.clone(),
                })
                .collect(),
        }
    }

    pub(super) fn holds(&self, row: &Row) -> bool {
        match &self.0 {
            None => {
                let metric = metrics::known(&row.metric);
                metric.is_some_and(|metric| metric.usual().is_some())
            }
            Some(names) => names.iter().any(|name| {
                name.metric == row.metric && name.of.as_ref().is_none_or(|of| *of == row.of)
            }),
        }
    }
}

/// Names of the usual metrics: of GPUs, then of guests.
fn usual() -> Vec<String> {
    let mut names = Vec::new();
    for metric in metrics::usual() {
        match metric.family.filter(|_| metric.is_latency()) {
            Some(family) => {
                let all = Statistic::ALL.into_iter();
                let all = all.filter(|statistic| statistic.is_usual());
                names.extend(all.map(|statistic| format!("{family}.{}", statistic.name())));
            }
            None => names.push(metric.name.to_owned()),
        }
    }
    names
}

/// Every guest and GPU with its metrics.
fn known(scenario: &Scenario) -> Vec<(String, Vec<String>)> {
    let names = |scope, classes: &[&str]| -> Vec<String> {
        let all = comparable(scope, classes).into_iter();
        all.map(|(chosen, _)| chosen.name(".")).collect()
    };
    let gpus = scenario.gpus.iter();
    let gpus = gpus.map(|gpu| (gpu.name.clone(), names(Scope::Gpu, &[])));
    let guests = scenario.guests.iter().map(|guest| {
        let classes = guest.workload.classes.iter();
        let classes: Vec<&str> = classes.map(|class| class.name.as_str()).collect();
        (guest.name.clone(), names(Scope::Group, &classes))
    });
    gpus.chain(guests).collect()
}

/// The metric of a name, which may leave out that it is the response, and write `_` for `.`.
fn metric<'a>(text: &str, names: &'a [String]) -> Option<&'a String> {
    let response = format!("{PLAIN}.{text}");
    names
        .iter()
        .find(|name| **name == text || **name == response || name.replace('.', "_") == text)
}

fn read(text: &str, known: &[(String, Vec<String>)]) -> Option<Name> {
    let of_all = known.iter().find_map(|(_, names)| metric(text, names));
    if let Some(found) = of_all {
        return Some(Name {
            of: None,
            metric: found.clone(),
        });
    }
    known.iter().find_map(|(of, names)| {
        let rest = text.strip_prefix(of.as_str())?.strip_prefix('.')?;
        Some(Name {
            of: Some(of.clone()),
            metric: metric(rest, names)?.clone(),
        })
    })
}

fn unknown(text: &str, known: &[(String, Vec<String>)]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in known.iter().flat_map(|(_, names)| names) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let last = text.rsplit_once('.').map_or(text, |(_, last)| last);
    let near =
        nearest(text, names.iter().copied()).or_else(|| nearest(last, names.iter().copied()));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.join(", ")),
    };
    format!("--metrics: nothing in this scenario has a metric `{text}` to compare: {help}")
}
