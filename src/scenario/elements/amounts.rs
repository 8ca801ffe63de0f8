//! Constants, distributions, and amounts that come from a trace row.

use crate::diagnostics::nearest;
use crate::scenario::key::checker::{Checker, Span};
use crate::scenario::key::field::Field;
use crate::scenario::key::units::Quantity;
use crate::scenario::read::raw_amount::{RawAmount, RawDist, RawFamily};
use crate::workload::Size;
use crate::workload::dist::{Dist, DistError};
use crate::workload::{column, data_file};
use std::collections::BTreeMap;

/// Keys of a table that are there, with their places.
type Present = Vec<(&'static str, Span)>;

/// Checks that the keys that are there are those of one of the `forms`; `what` names the table, such
/// as "a lognormal distribution". Returns the index of the form.
pub(crate) fn form(
    c: &mut Checker,
    what: &str,
    table: &Span,
    present: &Present,
    forms: &[&[&str]],
    optional: &[&str],
) -> Option<usize> {
    let all: Vec<&str> = forms.iter().flat_map(|f| f.iter().copied()).collect();
    let mut takes: Vec<String> = forms
        .iter()
        .filter(|keys| !keys.is_empty())
        .map(|keys| listed(keys, "and"))
        .collect();
    // The key that chose the form goes without saying.
    let more: Vec<&str> = optional
        .iter()
        .copied()
        .filter(|key| !["kind", "process"].contains(key))
        .collect();
    let perhaps = match (takes.is_empty(), more.is_empty()) {
        (_, true) => String::new(),
        (true, false) => format!("perhaps {}", listed(&more, "and")),
        (false, false) => format!("; perhaps {}", listed(&more, "and")),
    };
    let takes = format!(
        "{what} takes {}{perhaps}",
        std::mem::take(&mut takes).join(", or ")
    );
    let mut fine = true;
    for (key, span) in present {
        if !all.contains(key) && !optional.contains(key) {
            c.error(
                span,
                format!("`{key}` does not apply to {what}"),
                "has no meaning here",
                &*takes,
            );
            fine = false;
        }
    }
    let has = |key: &&str| present.iter().any(|(name, _)| name == key);
    // The form that the writer seems to have meant: most keys there, fewest missing.
    let (index, meant) = forms.iter().enumerate().min_by_key(|(_, keys)| {
        let there = keys.iter().filter(|key| has(key)).count();
        (usize::MAX - there, keys.len() - there)
    })?;
    let lacking: Vec<&str> = meant.iter().copied().filter(|key| !has(key)).collect();
    if !lacking.is_empty() {
        let title = format!("{what} lacks {}", listed(&lacking, "and"));
        c.error(table, title, "incomplete", takes);
        return None;
    }
    for (key, span) in present {
        if all.contains(key) && !meant.contains(key) && !optional.contains(key) {
            let title = format!("`{key}` contradicts {}", listed(meant, "and"));
            c.error(span, title, "says the same a second time", &*takes);
            fine = false;
        }
    }
    fine.then_some(index)
}

/// `a`, `b` and `c`
fn listed(keys: &[&str], last: &str) -> String {
    let quoted: Vec<String> = keys.iter().map(|k| format!("`{k}`")).collect();
    match quoted.split_last() {
        Some((end, [])) => end.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
        None => "nothing".into(),
    }
}

/// Collects the keys of a raw table that are there.
macro_rules! present {
    ($table:expr; $($field:ident),* $(,)?) => {{
        let mut list: Vec<(&'static str, std::ops::Range<usize>)> = Vec::new();
        $(if let Some(field) = &$table.$field {
            list.push((stringify!($field), field.span.clone()));
        })*
        list
    }};
}
pub(crate) use present;

/// A distribution or constant that no trace is needed for.
pub(crate) fn dist<Q: Quantity>(
    c: &mut Checker,
    path: &str,
    amount: &Field<RawAmount<Q>>,
) -> Option<Dist> {
    let built = match &amount.value {
        RawAmount::Constant(value) => {
            let built = Dist::constant(value.amount());
            settle::<Q>(c, &amount.span, &Present::new(), built)?
        }
        RawAmount::Table(table) => {
            if table.dist.is_none()
                && (table.base.is_some() || table.per.is_some() || table.by_batch.is_some())
            {
                c.error(
                    &amount.span,
                    "this amount cannot come from a trace row or a batch",
                    "`base`, `per` and `by_batch` are for the sizes of operations",
                    "give a constant or a distribution",
                );
                return None;
            }
            family(c, path, &amount.span, table)?
        }
    };
    c.file_value(path, built.describe(Q::write), &amount.span);
    Some(built)
}

/// The size of an operation; `columns` are those of the workload's trace, if it has one.
pub(crate) fn size<Q: Quantity>(
    c: &mut Checker,
    path: &str,
    amount: &Field<RawAmount<Q>>,
    columns: Option<&[String]>,
) -> Option<Size> {
    let size = match &amount.value {
        RawAmount::Table(table) if table.dist.is_none() => {
            let keys = parameters(table);
            let what = "an amount of a job";
            let forms: &[&[&str]] = &[&["per"], &["by_batch"]];
            match (&table.per, &table.by_batch) {
                (Some(per), _) => {
                    form(c, what, &amount.span, &keys, forms, &["base"])?;
                    let base = table.base.as_ref().map_or(0.0, |b| b.value.amount());
                    sum(c, path, amount, (base, per), columns)?
                }
                (None, Some(table)) => {
                    form(c, what, &amount.span, &keys, forms, &[])?;
                    Size::ByBatch(by_batch(c, path, table)?)
                }
                (None, None) => Size::Drawn(dist(c, path, amount)?),
            }
        }
        _ => Size::Drawn(dist(c, path, amount)?),
    };
    let nothing = match &size {
        Size::Drawn(dist) => *dist == Dist::Constant(0.0),
        Size::Sum {
            base,
            per_item,
            terms,
        } => *base == 0.0 && *per_item == 0.0 && terms.iter().all(|&(_, k)| k == 0.0),
        Size::ByBatch(table) => table.iter().all(|&(_, value)| value == 0.0),
    };
    if nothing {
        c.error(
            &amount.span,
            "an operation of size zero",
            "does nothing",
            "leave it out",
        );
        return None;
    }
    Some(size)
}

/// The name under `per` that stands for a request of a batch.
const ITEM: &str = "item";

/// `base` and `per`: a sum over the trace rows and the requests of a batch.
fn sum<Q: Quantity>(
    c: &mut Checker,
    path: &str,
    amount: &Field<RawAmount<Q>>,
    (base, per): (f64, &Field<BTreeMap<String, Field<Q>>>),
    columns: Option<&[String]>,
) -> Option<Size> {
    let (mut terms, mut text, mut per_item) = (Vec::new(), Vec::new(), 0.0);
    if base > 0.0 {
        text.push(Q::write(base));
    }
    let mut fine = true;
    for (name, field) in &per.value {
        let coefficient = field.value.amount();
        text.push(format!("{} x {name}", Q::write(coefficient)));
        if name == ITEM {
            per_item = coefficient;
            continue;
        }
        let Some(columns) = columns else {
            c.error(
                &field.span,
                format!("`{name}` under `per` needs arrivals from a trace"),
                "this workload reads no trace",
                "set arrivals to { process = \"trace\", … }, or name `item`: a request of a batch",
            );
            fine = false;
            continue;
        };
        match columns.iter().position(|column| column == name) {
            Some(index) => terms.push((index, coefficient)),
            None => {
                fine = false;
                let known = columns.iter().map(String::as_str);
                let help = match nearest(name, known.chain([ITEM])) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("numeric columns: {}", columns.join(", ")),
                };
                c.error(
                    &field.span,
                    format!("the trace has no numeric column `{name}`"),
                    format!("coefficient of `{name}`"),
                    help,
                );
            }
        }
    }
    if !fine {
        return None;
    }
    terms.sort_by_key(|&(index, _)| index);
    c.file_value(path, text.join(" + "), &amount.span);
    Some(Size::Sum {
        base,
        per_item,
        terms,
    })
}

/// `by_batch`: values for some numbers of requests.
fn by_batch<Q: Quantity>(
    c: &mut Checker,
    path: &str,
    table: &Field<BTreeMap<String, Field<Q>>>,
) -> Option<Vec<(u32, f64)>> {
    let mut rows: Vec<(u32, &Field<Q>)> = Vec::new();
    for (requests, value) in &table.value {
        match requests.parse() {
            Ok(number) if number > 0 => rows.push((number, value)),
            _ => {
                let title = format!("`{requests}` is not a number of requests");
                let help = "such as by_batch = { 1 = \"3ms\", 8 = \"5ms\" }";
                c.error(&value.span, title, "from 1 on", help);
                return None;
            }
        }
    }
    if rows.is_empty() {
        c.error(&table.span, "`by_batch` is empty", "says nothing", "");
        return None;
    }
    rows.sort_by_key(|&(requests, _)| requests);
    let text: Vec<String> = rows
        .iter()
        .map(|(requests, value)| format!("{requests}: {}", Q::write(value.value.amount())))
        .collect();
    c.file_value(path, text.join(", "), &table.span);
    let rows = rows.iter();
    Some(rows.map(|(n, value)| (*n, value.value.amount())).collect())
}

fn parameters<Q>(t: &RawDist<Q>) -> Present {
    present!(t; value, mean, cv, low, high, k, shape, scale, mu, sigma, p, mean1, mean2, alpha, beta,
             mode, n, s, unit, values, weights, file, column, base, per, by_batch)
}

fn family<Q: Quantity>(c: &mut Checker, path: &str, span: &Span, t: &RawDist<Q>) -> Option<Dist> {
    let Some(family) = &t.dist else {
        c.missing(span, path, "dist", "such as dist = \"exponential\"");
        return None;
    };
    use RawFamily as F;
    let family = family.value;
    let (forms, optional): (&[&[&str]], &[&str]) = match family {
        F::Constant => (&[&["value"]], &[]),
        F::Uniform => (&[&["low", "high"]], &[]),
        F::Exponential => (&[&["mean"]], &[]),
        F::Erlang => (&[&["mean", "k"]], &[]),
        F::Gamma | F::Weibull => (&[&["mean", "cv"], &["shape", "scale"]], &[]),
        F::Lognormal => (&[&["mean", "cv"], &["mu", "sigma"]], &[]),
        F::Hyperexponential => (&[&["mean", "cv"], &["p", "mean1", "mean2"]], &[]),
        F::BoundedPareto => (&[&["alpha", "low", "high"]], &[]),
        F::Triangular | F::Pert => (&[&["low", "mode", "high"]], &[]),
        F::Beta => (&[&["alpha", "beta", "low", "high"]], &[]),
        F::Pareto => (
            &[&["alpha", "low"], &["mean", "alpha"], &["mean", "cv"]],
            &[],
        ),
        F::Frechet => (&[&["alpha", "scale"], &["mean", "alpha"]], &[]),
        F::InverseGaussian => (&[&["mean", "cv"]], &[]),
        F::Zipf => (&[&["n", "s", "unit"]], &[]),
        F::Poisson | F::Geometric => (&[&["mean", "unit"]], &[]),
        F::Empirical => (&[&["values"], &["file", "column", "unit"]], &["weights"]),
    };
    let keys = parameters(t);
    let article = if matches!(
        family,
        F::Exponential | F::Erlang | F::Empirical | F::InverseGaussian
    ) {
        "an"
    } else {
        "a"
    };
    let what = format!("{article} {} distribution", family.word());
    let index = form(c, &what, span, &keys, forms, optional)?;
    // The form holds, so that every parameter read below is there.
    let amount = |key: &Option<Field<Q>>| key.as_ref().map_or(f64::NAN, |f| f.value.amount());
    let plain = |key: &Option<Field<f64>>| key.as_ref().map_or(f64::NAN, |f| f.value);
    let whole = |key: &Option<Field<u64>>| {
        let value = key.as_ref().map_or(0, |f| f.value);
        u32::try_from(value).unwrap_or(u32::MAX)
    };
    let built = match (family, index) {
        (F::Constant, _) => Dist::constant(amount(&t.value)),
        (F::Uniform, _) => Dist::uniform(amount(&t.low), amount(&t.high)),
        (F::Exponential, _) => Dist::exponential(amount(&t.mean)),
        (F::Erlang, _) => Dist::erlang(amount(&t.mean), whole(&t.k)),
        (F::Gamma, 0) => Dist::gamma(amount(&t.mean), plain(&t.cv)),
        (F::Gamma, _) => Dist::gamma_shape(plain(&t.shape), amount(&t.scale)),
        (F::Weibull, 0) => Dist::weibull(amount(&t.mean), plain(&t.cv)),
        (F::Weibull, _) => Dist::weibull_shape(plain(&t.shape), amount(&t.scale)),
        (F::Lognormal, 0) => Dist::lognormal(amount(&t.mean), plain(&t.cv)),
        (F::Lognormal, _) => Dist::lognormal_log(plain(&t.mu), plain(&t.sigma)),
        (F::Hyperexponential, 0) => Dist::hyperexponential(amount(&t.mean), plain(&t.cv)),
        (F::Hyperexponential, _) => {
            let p = t.p.as_ref().map_or(f64::NAN, |f| f.value.0);
            Dist::hyperexponential_phases(p, amount(&t.mean1), amount(&t.mean2))
        }
        (F::BoundedPareto, _) => {
            Dist::bounded_pareto(plain(&t.alpha), amount(&t.low), amount(&t.high))
        }
        (F::Triangular, _) => Dist::triangular(amount(&t.low), amount(&t.mode), amount(&t.high)),
        (F::Pert, _) => Dist::pert(amount(&t.low), amount(&t.mode), amount(&t.high)),
        (F::Beta, _) => {
            let (alpha, beta) = (plain(&t.alpha), plain(&t.beta));
            Dist::beta(alpha, beta, amount(&t.low), amount(&t.high))
        }
        (F::Pareto, 0) => Dist::pareto(plain(&t.alpha), amount(&t.low)),
        (F::Pareto, 1) => Dist::pareto_mean(amount(&t.mean), plain(&t.alpha)),
        (F::Pareto, _) => Dist::pareto_cv(amount(&t.mean), plain(&t.cv)),
        (F::Frechet, 0) => Dist::frechet(plain(&t.alpha), amount(&t.scale)),
        (F::Frechet, _) => Dist::frechet_mean(amount(&t.mean), plain(&t.alpha)),
        (F::InverseGaussian, _) => Dist::inverse_gaussian(amount(&t.mean), plain(&t.cv)),
        (F::Poisson, _) => Dist::poisson(amount(&t.mean), amount(&t.unit)),
        (F::Zipf, _) => Dist::zipf(whole(&t.n), plain(&t.s), amount(&t.unit)),
        (F::Geometric, _) => Dist::geometric(amount(&t.mean), amount(&t.unit)),
        (F::Empirical, 0) => {
            let values = t.values.as_ref()?;
            let values: Vec<f64> = values.value.iter().map(|v| v.value.amount()).collect();
            let weights = t.weights.as_ref();
            let weights: Option<Vec<u64>> =
                weights.map(|w| w.value.iter().map(|v| v.value).collect());
            Dist::empirical(&values, weights.as_deref())
        }
        (F::Empirical, _) => {
            if let Some(weights) = &t.weights {
                c.error(
                    &weights.span,
                    "`weights` go with `values`",
                    "there are none",
                    "",
                );
                return None;
            }
            let values = column(c, t.file.as_ref()?, t.column.as_ref()?, amount(&t.unit))?;
            Dist::empirical(&values, None)
        }
    };
    settle::<Q>(c, span, &keys, built)
}

/// Reports a refused parameter at its own place, in its own unit.
fn settle<Q: Quantity>(
    c: &mut Checker,
    span: &Span,
    keys: &Present,
    built: Result<Dist, DistError>,
) -> Option<Dist> {
    let error = match built {
        Ok(dist) => return Some(dist),
        Err(error) => error,
    };
    match &error {
        DistError::Parameter {
            dist,
            parameter,
            value,
            valid,
        } => {
            let place = keys.iter().find(|(key, _)| key == parameter);
            let place = place.map_or(span, |(_, span)| span);
            let bare = [
                "cv", "k", "shape", "mu", "sigma", "p", "alpha", "beta", "n", "s",
            ];
            let bare = bare.contains(parameter);
            let base = if Q::SCHEMA_NAME == "Size" {
                "bytes"
            } else {
                "nanoseconds"
            };
            let (written, unit) = if bare || !value.is_finite() {
                (value.to_string(), String::new())
            } else {
                (Q::write(*value), format!(" (in {base})"))
            };
            c.error(
                place,
                format!("{dist}: `{parameter}` = {written} is out of range"),
                format!("must be {valid}{unit}"),
                "",
            );
        }
        other => c.error(span, other.to_string(), "", ""),
    }
    None
}

/// A numeric column of a CSV file, times `unit`.
fn column(
    c: &mut Checker,
    file: &Field<String>,
    column: &Field<String>,
    unit: f64,
) -> Option<Vec<f64>> {
    let bytes = match data_file::read(&c.base.join(&file.value)) {
        Ok(bytes) => bytes,
        Err(error) => {
            let title = format!("cannot read `{}`: {error}", file.value);
            c.error(&file.span, title, "", "");
            return None;
        }
    };
    match column::read(&file.value, &bytes, &column.value) {
        Ok(values) => Some(values.into_iter().map(|value| value * unit).collect()),
        Err(errors) => {
            for error in errors {
                let line = error
                    .line
                    .map_or(String::new(), |line| format!(", line {line}"));
                let title = format!("`{}`{line}: {}", error.file, error.problem);
                let label = "asked for here";
                c.error(&column.span, title, label, error.remedy.unwrap_or_default());
            }
            None
        }
    }
}

/// Names of all trace columns that the sizes of some operations ask for.
pub(crate) fn wanted_columns<Q>(
    amount: Option<&Field<RawAmount<Q>>>,
    into: &mut BTreeMap<String, Span>,
) {
    if let Some(RawAmount::Table(table)) = amount.map(|a| &a.value)
        && let Some(per) = &table.per
    {
        for (name, field) in per.value.iter().filter(|(name, _)| *name != ITEM) {
            into.entry(name.clone())
                .or_insert_with(|| field.span.clone());
        }
    }
}
