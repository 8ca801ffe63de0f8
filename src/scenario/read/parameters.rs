//! Keys of a `share` table that a policy brings itself ([`crate::policy::parameter`]).
//!
//! Which there are is known when the program runs, so they are put aside in the text's tree before it is
//! read, and checked against what the scheduler declares.

use crate::diagnostics::nearest;
use crate::policy::parameter::{Parameter, Setting, Values};
use crate::policy::registry;
use crate::scenario::key::checker::Checker;
use crate::scenario::key::field::{Field, RawScalar};
use crate::scenario::key::units::{RawDuration, parse, write_nanos};
use crate::scenario::read::scheduler::RawScheduler;
use serde_json::json;
use serde_spanned::Spanned;
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// The key of a `share` under which parameters of policies are put aside.
pub(crate) const ASIDE: &str = "parameters";

/// Parameters of all policies, by name.
fn all() -> impl Iterator<Item = &'static Parameter> {
    let policies = registry::all().iter();
    policies.flat_map(|policy| policy.parameters)
}

/// Names of all parameters.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    all().map(|parameter| parameter.name)
}

/// Puts parameters aside in every `share` within this table.
pub(crate) fn set_aside(table: &mut DeTable<'_>) {
    if all().next().is_none() {
        return;
    }
    for (key, value) in table.iter_mut() {
        let share = *key.get_ref() == "share";
        if let DeValue::Table(inner) = value.get_mut() {
            match share {
                true => set_aside_here(inner),
                false => set_aside(inner),
            }
        }
    }
}

/// Puts parameters aside in a `share`.
pub(crate) fn set_aside_here(share: &mut DeTable<'_>) {
    let mut aside = DeTable::new();
    for name in names() {
        if let Some((key, value)) = share.remove_entry(name) {
            aside.insert(key, value);
        }
    }
    if let Some(first) = aside.values().map(Spanned::span).next() {
        let key = Spanned::new(first.clone(), ASIDE.into());
        share.insert(key, Spanned::new(first, DeValue::Table(aside)));
    }
}

/// The scheduler's parameters, given or by default; `None` after an error.
pub(crate) fn resolve(
    c: &mut Checker,
    path: &str,
    given: &BTreeMap<String, Field<RawScalar>>,
    scheduler: RawScheduler,
) -> Option<Vec<(&'static str, Setting)>> {
    let declared = scheduler.parameters();
    let mut fine = true;
    for (name, field) in given {
        if !declared.iter().any(|parameter| parameter.name == name) {
            fine = false;
            unknown(c, name, field, scheduler);
        }
    }
    let mut settings = Vec::new();
    for parameter in declared {
        let path = format!("{path}.{}", parameter.name);
        let setting = match given.get(parameter.name) {
            None => {
                c.by_default(&path, write(parameter, parameter.default()));
                parameter.default()
            }
            Some(field) => match read(parameter, &field.value.0) {
                Ok(setting) => {
                    c.file_value(&path, write(parameter, setting), &field.span);
                    setting
                }
                Err(wrong) => {
                    fine = false;
                    let title = format!("`{}` {wrong}", parameter.name);
                    let help = help(parameter, &field.value.0);
                    c.error(&field.span, title, range(parameter), help);
                    continue;
                }
            },
        };
        settings.push((parameter.name, setting));
    }
    fine.then_some(settings)
}

fn unknown(c: &mut Checker, name: &str, field: &Field<RawScalar>, scheduler: RawScheduler) {
    let own: Vec<&str> = scheduler.parameters().iter().map(|p| p.name).collect();
    let help = match nearest(name, own.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if own.is_empty() => "remove it".to_owned(),
        None => format!("it has: {}", own.join(", ")),
    };
    let title = format!("`{name}` does not apply here");
    let label = format!("{} has no such parameter", scheduler.word());
    c.error(&field.span, title, label, help);
}

/// Refuses parameters where nobody has a scheduler.
pub(crate) fn refuse(
    c: &mut Checker,
    given: &BTreeMap<String, Field<RawScalar>>,
    why: &str,
    instead: &str,
) {
    for (name, field) in given {
        c.no_effect(&Some(field.clone()), name, why, instead);
    }
}

/// Whether the parameter may have this value, as a command line writes it.
///
/// # Errors
///
/// What is wrong with it, and the range.
pub(super) fn check(parameter: &Parameter, text: &str) -> Result<(), String> {
    match read(parameter, text) {
        Ok(_) => Ok(()),
        Err(wrong) => Err(format!(
            "`{}` {wrong}; {}: {}",
            parameter.name,
            range(parameter),
            help(parameter, text)
        )),
    }
}

/// The word that is meant, if one is near; else what the parameter is.
fn help(parameter: &Parameter, text: &str) -> String {
    let near = match parameter.values {
        Values::Word { words, .. } => nearest(text, words.iter().copied()),
        _ => None,
    };
    near.map_or_else(
        || parameter.about.to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}

fn read(parameter: &Parameter, text: &str) -> Result<Setting, &'static str> {
    let setting = match parameter.values {
        Values::Count { .. } => text.parse().map(Setting::Whole).ok(),
        Values::Number { .. } => text.parse().map(Setting::Number).ok(),
        Values::Word { words, .. } => {
            let place = words.iter().position(|word| *word == text);
            place.map(|place| Setting::Whole(place as u64))
        }
        Values::Duration { .. } => {
            let parsed = parse::<RawDuration>(text);
            parsed.ok().map(|time| Setting::Whole(time.nanos))
        }
    };
    match (setting, parameter.values) {
        (Some(setting), _) if parameter.allows(setting) => Ok(setting),
        (Some(_), _) => Err("is out of range"),
        (None, Values::Count { .. }) => Err("must be a whole number"),
        (None, Values::Number { .. }) => Err("must be a number"),
        (None, Values::Word { .. }) => Err("has no such word"),
        (None, Values::Duration { .. }) => Err("must be a duration in quotes, such as \"2ms\""),
    }
}

fn write(parameter: &Parameter, setting: Setting) -> String {
    match (parameter.values, setting) {
        (Values::Duration { .. }, setting) => write_nanos(setting.number()),
        (Values::Word { words, .. }, setting) => {
            let word = words.get(setting.whole() as usize);
            word.copied().unwrap_or_default().to_owned()
        }
        (_, Setting::Whole(value)) => value.to_string(),
        (_, Setting::Number(value)) => value.to_string(),
    }
}

fn range(parameter: &Parameter) -> String {
    let text = |setting| write(parameter, setting);
    let (low, high) = match parameter.values {
        Values::Count { low, high, .. } | Values::Duration { low, high, .. } => {
            (Setting::Whole(low), Setting::Whole(high))
        }
        Values::Number { low, high, .. } => (Setting::Number(low), Setting::Number(high)),
        Values::Word { words, .. } => return words.join(", "),
    };
    format!("from {} to {}", text(low), text(high))
}

/// The parameters of all policies, as a table of Markdown: whose, name, values, default and meaning.
pub fn document() -> String {
    let mut table =
        String::from("| Policy | Key | Values | Default | What it is |\n|---|---|---|---|---|\n");
    for policy in registry::all() {
        for parameter in policy.parameters {
            table.push_str(&format!(
                "| `{}` | `{}` | {} | {} | {} |\n",
                policy.name,
                parameter.name,
                range(parameter),
                write(parameter, parameter.default()),
                parameter.about
            ));
        }
    }
    table
}

/// Adds the parameters of policies to the schema of a `share`.
pub(crate) fn describe(schema: &mut schemars::Schema) {
    let Some(keys) = schema
        .get_mut("properties")
        .and_then(|keys| keys.as_object_mut())
    else {
        return;
    };
    for name in names() {
        let policies = registry::all().iter();
        let every = policies.flat_map(|policy| {
            let own = policy.parameters.iter().filter(|own| own.name == name);
            own.map(|parameter| (policy.name, parameter))
        });
        let (mut kinds, mut about) = (Vec::new(), Vec::new());
        for (policy, parameter) in every {
            about.push(format!(
                "{} ({policy}): {}, default {}.",
                parameter.about,
                range(parameter),
                write(parameter, parameter.default())
            ));
            let kind = match parameter.values {
                Values::Count { .. } => "integer",
                Values::Duration { .. } | Values::Word { .. } => "string",
                Values::Number { .. } => "number",
            };
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let kind = match kinds.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        let key = json!({ "type": kind, "description": about.join(" ") });
        keys.insert(name.to_owned(), key);
    }
}
