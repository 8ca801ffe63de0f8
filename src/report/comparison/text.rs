//! The summary of a comparison that a terminal shows: the verdict, then a table for each GPU and guest.

use super::{verdict, words};
use crate::metrics::known;
use crate::report::notes::Notes;
use crate::report::table::{Table, alarm, cut, paragraph, pieces};
use crate::report::text::{plan_pieces, short_hash, title};
use crate::report::units::{Shown, difference, number, short, time, with_interval};
use crate::report::words::{
    finding as finding_words, invariant, mean_of, overload, reason, sharing as sharing_words,
    slices,
};
use crate::result::{
    Best, ComparisonResult, Difference, Finding, MetricComparison, PolicyResult, PolicyValue,
    SubjectKind, Unit, Verdict,
};

/// Columns that a policy's name may take in a table.
const NAME: usize = 26;

/// Renders the summary: at most 100 columns wide, the same bytes for the same result.
pub fn to_text(result: &ComparisonResult) -> String {
    let mut page = Page {
        result,
        out: String::new(),
        notes: Notes::default(),
    };
    page.heading();
    page.failures();
    let verdict = verdict::words(result);
    if !verdict.is_empty() {
        page.out.push('\n');
        paragraph(&mut page.out, "", &verdict);
    }
    page.policies();
    page.findings();
    for (kind, of) in subjects(&result.metrics) {
        page.metrics(kind, of);
    }
    page.legend();
    page.best();
    page.overloads();
    page.notes.write(&mut page.out);
    page.out
}

/// Kind and name of everything that has metrics, in order of first appearance.
fn subjects(metrics: &[MetricComparison]) -> Vec<(SubjectKind, &str)> {
    let mut found: Vec<(SubjectKind, &str)> = Vec::new();
    for metric in metrics {
        let subject = (metric.kind, metric.of.as_str());
        if !found.contains(&subject) {
            found.push(subject);
        }
    }
    found
}

/// `GPU a` or `Guest desktop`.
fn subject(kind: SubjectKind, of: &str) -> String {
    match kind {
        SubjectKind::Gpu => format!("GPU {of}"),
        SubjectKind::Guest => format!("Guest {of}"),
    }
}

/// Whether an exploratory metric is shown on a terminal; the tables have all. The parts of the response time and the
/// service time follow the response, and a quantile or two of each latency are enough for a first look.
fn shown(metric: &MetricComparison) -> bool {
    let aside = known(&metric.metric).is_some_and(|found| {
        found.metric.aside
            || found
                .statistic
                .is_some_and(|statistic| !statistic.is_usual())
    });
    let moves = metric.values.iter().any(|value| {
        let same = |difference: &Difference| difference.verdict == Verdict::Same;
        value.difference.as_ref().is_some_and(|found| !same(found))
    });
    metric.primary || (!aside && moves)
}

struct Page<'a> {
    result: &'a ComparisonResult,
    out: String,
    notes: Notes,
}

impl Page<'_> {
    fn section(&mut self, title: &str) {
        self.out.push('\n');
        self.out.push_str(title);
        self.out.push('\n');
    }

    /// `95 %`.
    fn level(&self) -> String {
        format!("{} %", short(self.result.plan.confidence * 100.0))
    }

    fn heading(&mut self) {
        let result = self.result;
        paragraph(&mut self.out, "", &title(&result.scenario));
        pieces(&mut self.out, "", &plan_pieces(&result.plan));
        let hash = format!("scenario hash {}", short_hash(&result.scenario));
        let compared = match result.policies.len() {
            1 => "1 policy".to_owned(),
            n => format!("{n} policies, compared with {}", result.against),
        };
        pieces(&mut self.out, "", &[compared, hash]);
        let level = self.level();
        match result.tested {
            0 => {}
            1 => paragraph(
                &mut self.out,
                "",
                &format!("1 difference tested, with {level} confidence"),
            ),
            n => paragraph(
                &mut self.out,
                "",
                &format!(
                    "{n} differences of primary metrics tested together: {level} intervals hold for all at once (Bonferroni), p adjusted by Holm"
                ),
            ),
        }
        if result.explored > 0 {
            let text = format!(
                "{} differences of other metrics are exploratory: {level} intervals and tests of each by itself, so that one in {} of those that are none is marked",
                result.explored,
                short((1.0 / (1.0 - result.plan.confidence)).round())
            );
            paragraph(&mut self.out, "", &text);
        }
        if result.tested + result.explored == 0 && result.policies.len() > 1 {
            let text = "no difference tested: each is the same in every replication, or there is nothing to compare";
            paragraph(&mut self.out, "", text);
        }
        if let Some(remark) = slices(&result.slices) {
            paragraph(&mut self.out, "", &remark);
        }
        if let Some(sequential) = &result.sequential {
            let looks: Vec<String> = sequential.looks.iter().map(u32::to_string).collect();
            let reached = if sequential.reached {
                "reached"
            } else {
                "NOT REACHED"
            };
            let text = [
                format!(
                    "precision of {} % {reached} with {} replications",
                    short(sequential.precision * 100.0),
                    looks.join(", ")
                ),
                format!(
                    "at worst {} %: {}",
                    number(sequential.worst * 100.0),
                    mean_of(sequential.worst_of.as_ref())
                ),
            ];
            pieces(&mut self.out, "", &text);
        }
    }

    fn failures(&mut self) {
        let broken: Vec<String> = self
            .result
            .policies
            .iter()
            .flat_map(|p| {
                p.broken
                    .iter()
                    .map(move |id| format!("{}: {}", p.name, invariant(*id).0))
            })
            .collect();
        if broken.is_empty() {
            return;
        }
        let title = format!(
            "INVARIANT CHECKS FAILED ({}). Do not use the numbers below; please report this.",
            broken.len()
        );
        alarm(&mut self.out, &title, broken.into_iter());
    }

    fn policies(&mut self) {
        self.section("Policies");
        let name = |policy: &PolicyResult| cut(&policy.name, NAME);
        let names = self.result.policies.iter().map(name);
        let width = names.map(|n| n.chars().count()).max().unwrap_or(0);
        for policy in &self.result.policies {
            let mut sharing: Vec<String> = Vec::new();
            for way in &policy.sharing {
                let way = sharing_words(way);
                if !sharing.contains(&way) {
                    sharing.push(way);
                }
            }
            let text = format!("{} ({})", policy.about, sharing.join("; "));
            paragraph(
                &mut self.out,
                &format!("  {:<width$}  ", name(policy)),
                &text,
            );
        }
    }

    /// What the checks of a run found, each with the policies under which it did. Overload and broken invariants have
    /// sections of their own.
    fn findings(&mut self) {
        let mut found: Vec<(String, Vec<&str>)> = Vec::new();
        for policy in &self.result.policies {
            for finding in &policy.findings {
                if matches!(finding, Finding::Invariant(_) | Finding::Overload(_)) {
                    continue;
                }
                let (_, _, text) = finding_words(finding);
                match found.iter_mut().find(|known| known.0 == text) {
                    Some(known) => known.1.push(&policy.name),
                    None => found.push((text, vec![&policy.name])),
                }
            }
        }
        if found.is_empty() {
            return;
        }
        self.section("What the checks of each run found");
        let all = self.result.policies.len();
        for (text, policies) in found {
            let under = match policies.as_slice() {
                several if several.len() == all && all > 1 => "all policies".to_owned(),
                several if several.len() > 6 => format!(
                    "{} and {} others",
                    several[..5].join(", "),
                    several.len() - 5
                ),
                several => several.join(", "),
            };
            paragraph(&mut self.out, "  - ", &format!("under {under}: {text}"));
        }
    }

    /// Policies by metrics of one GPU or guest: what the comparison is about, then what is exploratory.
    fn metrics(&mut self, kind: SubjectKind, of: &str) {
        let (primary, others): (Vec<&MetricComparison>, _) = self
            .result
            .metrics
            .iter()
            .filter(|m| m.kind == kind && m.of == of && shown(m))
            .partition(|m| m.primary);
        if !primary.is_empty() {
            self.table(&subject(kind, of), &primary);
        }
        if !others.is_empty() {
            let title = format!("{}, exploratory", subject(kind, of));
            self.table(&title, &others);
        }
    }

    fn table(&mut self, title: &str, metrics: &[&MetricComparison]) {
        self.section(title);
        let result = self.result;
        let heads: Vec<String> = std::iter::once("policy".to_owned())
            .chain(metrics.iter().map(|m| match m.unit {
                Unit::PerSecond | Unit::TokensPerSecond => format!("{}/s  ", words(&m.metric)),
                _ => format!("{}  ", words(&m.metric)),
            }))
            .collect();
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        let mut table = Table::new(&heads);
        for (n, policy) in result.policies.iter().enumerate() {
            let mut row = vec![cut(&policy.name, NAME)];
            for metric in metrics {
                row.push(match metric.values.get(n) {
                    Some(value) => self.value(metric, value, policy.name == result.against),
                    None => "–  ".to_owned(),
                });
            }
            table.row(row);
        }
        table.render_in_parts(&mut self.out);
    }

    /// The difference and its mark; else the value, as far as it is known. The last two columns are the
    /// mark's, so that numbers stand under one another.
    fn value(&mut self, metric: &MetricComparison, value: &PolicyValue, reference: bool) -> String {
        let unit = Shown::of(metric.unit);
        if let Some(found) = &value.difference {
            return format!("{} {}", difference_text(found, unit), mark(found.verdict));
        }
        let mut text = match value.value {
            Some(mean) => with_interval(mean, value.half_width, unit),
            None => "–".to_owned(),
        };
        let missing = value.value.is_none() || value.half_width.is_none();
        let note = match &value.note {
            Some(note) => Some(reason(note)),
            None if !reference => Some(format!(
                "not compared: under {} there is no value to compare with",
                self.result.against
            )),
            None => missing.then(|| "undefined here".to_owned()),
        };
        if let Some(note) = note {
            text.push(' ');
            text.push_str(&self.notes.mark(note));
        }
        text + "  "
    }

    fn legend(&mut self) {
        let (against, level) = (&self.result.against, self.level());
        let mut text = format!(
            "The row of {against} has the values as `run` reports them, ± the half-width of the {level} interval of each alone."
        );
        let compared = self.result.metrics.iter().flat_map(|metric| &metric.values);
        if compared.into_iter().any(|value| value.difference.is_some()) {
            text.push_str(
                " Numbers with a sign are paired differences to it, ± the half-width of their interval (pp: percentage points); a number without a sign in the other rows is a value that is not compared. Marks: + better, - worse, = the same value in every replication, ! another one by the same in every replication (not tested); without a mark no difference is shown, which is not to say that there is none.",
            );
        }
        self.out.push('\n');
        paragraph(&mut self.out, "", &text);
    }

    fn best(&mut self) {
        let found: Vec<(&MetricComparison, &Best)> = self
            .result
            .metrics
            .iter()
            .filter(|metric| metric.primary)
            .filter_map(|metric| Some((metric, metric.best.as_ref()?)))
            .collect();
        if found.is_empty() || self.result.policies.len() < 2 {
            return;
        }
        let level = self.level();
        self.section(&format!(
            "Best on each metric, and by how much another may at most be better ({level})"
        ));
        let mut table = Table::new(&["metric", "best value", "within", "may be best"]);
        for (metric, best) in found {
            let subject = match metric.kind {
                SubjectKind::Gpu => format!("GPU {}", cut(&metric.of, 16)),
                SubjectKind::Guest => cut(&metric.of, 20),
            };
            let within = match Shown::of(metric.unit) {
                _ if best.within == 0.0 => "0".to_owned(),
                Shown::Time => time(best.within),
                Shown::Percent => format!("{} pp", number(best.within * 100.0)),
                Shown::Plain => number(best.within),
            };
            let others: Vec<&String> = best
                .candidates
                .iter()
                .filter(|name| **name != best.policy)
                .collect();
            let may = match others.as_slice() {
                [] => "no other".to_owned(),
                [one] => format!("also {}", cut(one, NAME)),
                several if several.len() + 1 == self.result.policies.len() => {
                    "any of them".to_owned()
                }
                several => format!("{} others", several.len()),
            };
            table.row(vec![
                format!("{subject}: {}", words(&metric.metric)),
                cut(&best.policy, NAME - 4),
                within,
                may,
            ]);
        }
        table.render(&mut self.out);
    }

    fn overloads(&mut self) {
        let overloaded = |p: &&PolicyResult| !p.overloaded.is_empty();
        if !self.result.policies.iter().any(|p| overloaded(&p)) {
            return;
        }
        self.section("Overloaded guests: their latencies are bounds, which are not compared");
        for policy in self.result.policies.iter().filter(overloaded) {
            for found in &policy.overloaded {
                let text = format!("{}: {}", found.guest, overload(&found.why));
                paragraph(&mut self.out, &format!("  under {}: ", policy.name), &text);
            }
        }
    }
}

fn difference_text(found: &Difference, unit: Shown) -> String {
    match (found.verdict, found.low.zip(found.high)) {
        (Verdict::Same, _) => "0".to_owned(),
        (_, Some((low, high))) => difference(found.mean, (high - low) / 2.0, unit),
        (_, None) => {
            // Without an interval there is no half-width to show.
            let text = difference(found.mean, 0.0, unit);
            text.replacen(" ± 0", "", 1)
        }
    }
}

fn mark(verdict: Verdict) -> char {
    match verdict {
        Verdict::Better => '+',
        Verdict::Worse => '-',
        Verdict::Same => '=',
        Verdict::Fixed => '!',
        Verdict::Undecided => ' ',
    }
}
