//! Paired differences, tested; and which policies may be the best.

use super::metrics::{Cell, Row};
use crate::result::{Best, Better, Difference, MetricComparison, Verdict};
use crate::stats::compare::{Comparison, Figure, bonferroni, holm, paired_figures};
use crate::stats::moments::variance;
use crate::stats::select::best_of;

fn figure(cell: &Cell) -> Option<Figure<'_>> {
    Some(Figure {
        value: cell.value.filter(|_| cell.comparable())?,
        each: &cell.each,
        resolution: cell.resolution,
    })
}

/// What replications say about a difference, before the number of others is known.
enum Kind {
    /// The same in every replication.
    Fixed,
    /// It varies: it can be tested.
    Varies,
}

/// Of this policy to the first; `None` if one of them has nothing to compare.
fn kind(row: &Row, policy: usize) -> Option<Kind> {
    let (a, b) = (figure(&row.cells[policy])?, figure(&row.cells[0])?);
    if a.each.len() != b.each.len() {
        return None;
    }
    let chance = row.cells[policy].chance || row.cells[0].chance;
    if chance && a.each.len() < 2 {
        return None;
    }
    let difference = a.value - b.value;
    // Sums of many terms may differ in their last digits.
    let rounding = 1e-12 * f64::max(a.value.abs(), b.value.abs());
    let mut each = a.each.iter().zip(b.each).map(|(a, b)| a - b);
    let same = each.all(|one| (one - difference).abs() <= rounding);
    Some(match same {
        true => Kind::Fixed,
        false => Kind::Varies,
    })
}

/// Fills in the differences to the first policy: primary ones tested together, exploratory ones each by itself. How many
/// there are of both.
pub(super) fn settle(
    metrics: &mut [MetricComparison],
    rows: &[Row],
    confidence: f64,
) -> (u32, u32) {
    let mut family = Vec::new();
    let mut others = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        for policy in 1..row.cells.len() {
            match kind(row, policy) {
                None => {}
                Some(Kind::Fixed) => {
                    metrics[index].values[policy].difference = fixed(row, policy);
                }
                Some(Kind::Varies) if metrics[index].primary => family.push((index, policy)),
                Some(Kind::Varies) => others.push((index, policy)),
            }
        }
    }
    let together = bonferroni(confidence, family.len());
    let of = |&(index, policy): &(usize, usize), confidence| {
        let row: &Row = &rows[index];
        let (a, b) = (figure(&row.cells[policy])?, figure(&row.cells[0])?);
        paired_figures(a, b, confidence)
    };
    let found: Vec<Option<Comparison>> = family.iter().map(|place| of(place, together)).collect();
    let p: Vec<f64> = found
        .iter()
        .map(|f| f.as_ref().map_or(1.0, |f| f.p))
        .collect();
    for ((&(index, policy), found), adjusted) in family.iter().zip(&found).zip(holm(&p)) {
        let difference = found
            .as_ref()
            .map(|found| difference(found, &rows[index], policy, (Some(adjusted), confidence)));
        metrics[index].values[policy].difference = difference;
    }
    for place in &others {
        let (index, policy) = *place;
        let found = of(place, confidence);
        let difference =
            found.map(|found| difference(&found, &rows[index], policy, (None, confidence)));
        metrics[index].values[policy].difference = difference;
    }
    (family.len() as u32, others.len() as u32)
}

/// A difference that is the same in every replication: there is nothing to test and nothing to be unsure of.
fn fixed(row: &Row, policy: usize) -> Option<Difference> {
    let change = row.cells[policy].value? - row.cells[0].value?;
    Some(Difference {
        mean: change,
        low: None,
        high: None,
        p: None,
        adjusted_p: None,
        verdict: if change == 0.0 {
            Verdict::Same
        } else {
            Verdict::Fixed
        },
        variance_ratio: None,
    })
}

fn difference(
    found: &Comparison,
    row: &Row,
    policy: usize,
    (adjusted_p, confidence): (Option<f64>, f64),
) -> Difference {
    let (a, b) = (&row.cells[policy].each, &row.cells[0].each);
    let apart = variance(a) + variance(b);
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let change = found.difference.mean;
    let improves = match row.better {
        Better::Lower => change < 0.0,
        Better::Higher => change > 0.0,
    };
    let shown = adjusted_p.unwrap_or(found.p) <= 1.0 - confidence;
    Difference {
        mean: change,
        low: Some(found.difference.low()),
        high: Some(found.difference.high()),
        p: Some(found.p),
        adjusted_p,
        verdict: match (shown, improves) {
            (false, _) => Verdict::Undecided,
            (true, true) => Verdict::Better,
            (true, false) => Verdict::Worse,
        },
        variance_ratio: (apart > 0.0).then(|| variance(&differences) / apart),
    }
}

/// Which policies may be the best; only where every policy has a value that is more than a bound, and chance has a
/// part in it.
pub(super) fn best(
    metrics: &mut [MetricComparison],
    rows: &[Row],
    names: &[&str],
    confidence: f64,
) {
    for (metric, row) in metrics.iter_mut().zip(rows) {
        if row.cells.iter().any(|cell| cell.chance) {
            metric.best = best_of_row(metric, row, names, confidence);
        }
    }
}

fn best_of_row(
    metric: &MetricComparison,
    row: &Row,
    names: &[&str],
    confidence: f64,
) -> Option<Best> {
    let sign = match row.better {
        Better::Higher => 1.0,
        Better::Lower => -1.0,
    };
    let turned: Option<Vec<(f64, Vec<f64>, f64)>> = row
        .cells
        .iter()
        .map(|cell| {
            let found = figure(cell)?;
            let each = found.each.iter().map(|value| sign * value).collect();
            Some((sign * found.value, each, found.resolution))
        })
        .collect();
    let turned = turned?;
    let figures: Vec<Figure<'_>> = turned
        .iter()
        .map(|(value, each, resolution)| Figure {
            value: *value,
            each,
            resolution: *resolution,
        })
        .collect();
    let mut found = best_of(&figures, confidence)?;
    // What is marked worse is not called a possible best in the same breath, nor what others are marked better than.
    let marked = |verdict: Verdict| {
        metric.values.iter().map(move |value| {
            value
                .difference
                .as_ref()
                .is_some_and(|difference| difference.verdict == verdict)
        })
    };
    for (candidate, worse) in found.candidates.iter_mut().zip(marked(Verdict::Worse)) {
        *candidate &= !worse;
    }
    if marked(Verdict::Better).any(|better| better) {
        found.candidates[0] = false;
    }
    found.candidates[found.best] = true;
    let alone = found.candidates.iter().filter(|may| **may).count() == 1;
    Some(Best {
        policy: names[found.best].to_owned(),
        within: if alone { 0.0 } else { found.within },
        candidates: found
            .candidates
            .iter()
            .zip(names)
            .filter(|(may, _)| **may)
            .map(|(_, name)| (*name).to_owned())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{SubjectKind, Unit};

    fn cell(each: &[f64]) -> Cell {
        Cell {
            value: Some(each.iter().sum::<f64>() / each.len() as f64),
            half_width: None,
            each: each.to_vec(),
            resolution: 0.0,
            chance: true,
            note: None,
        }
    }

    fn row(metric: &str, cells: Vec<Cell>) -> Row {
        Row {
            of: "a".into(),
            kind: SubjectKind::Gpu,
            metric: metric.into(),
            unit: Unit::Ratio,
            better: Better::Lower,
            cells,
        }
    }

    fn tested(rows: &[Row], primary: impl Fn(&Row) -> bool) -> (Vec<MetricComparison>, (u32, u32)) {
        let mut metrics: Vec<_> = rows
            .iter()
            .map(|row| super::super::of_row(row, primary(row)))
            .collect();
        let counts = settle(&mut metrics, rows, 0.95);
        best(
            &mut metrics,
            rows,
            &["p0", "p1", "p2"][..rows[0].cells.len()],
            0.95,
        );
        (metrics, counts)
    }

    fn of(metric: &MetricComparison, policy: usize) -> &Difference {
        metric.values[policy]
            .difference
            .as_ref()
            .expect("a difference")
    }

    /// By hand: differences 1, 1, 2, 2 have mean 1.5, error 1/√12 and t = 5.196 with 3 degrees of freedom, p = 0.0138.
    /// Alone it is shown, one of four by Bonferroni or Holm is not.
    #[test]
    fn only_primary_metrics_are_a_family() {
        let (base, other) = ([5.0, 6.0, 5.0, 7.0], [6.0, 7.0, 7.0, 9.0]);
        let rows: Vec<Row> = ["m0", "m1", "m2", "m3"]
            .map(|name| row(name, vec![cell(&base), cell(&other)]))
            .into();
        let (all, counts) = tested(&rows, |_| true);
        assert_eq!(counts, (4, 0));
        assert_eq!(of(&all[0], 1).verdict, Verdict::Undecided);
        let p = of(&all[0], 1).p.expect("a p value");
        assert!((p - 0.013_847).abs() < 1e-5, "{p}");
        assert!((of(&all[0], 1).adjusted_p.expect("one") - 4.0 * p).abs() < 1e-12);

        let (one, counts) = tested(&rows, |row| row.metric == "m0");
        assert_eq!(counts, (1, 3));
        assert_eq!(of(&one[0], 1).verdict, Verdict::Worse);
        assert_eq!(of(&one[0], 1).adjusted_p, Some(p));
        // Exploratory: by itself, and without an adjusted p.
        assert_eq!(of(&one[1], 1).adjusted_p, None);
        assert_eq!((one[0].primary, one[1].primary), (true, false));
    }

    #[test]
    fn what_does_not_vary_is_not_tested() {
        let same = row("same", vec![cell(&[1.0, 2.0, 4.0]), cell(&[1.0, 2.0, 4.0])]);
        let fixed = row(
            "fixed",
            vec![cell(&[1.0, 2.0, 3.0]), cell(&[2.0, 3.0, 4.0])],
        );
        let (found, counts) = tested(&[same, fixed], |_| true);
        assert_eq!(counts, (0, 0));
        assert_eq!(of(&found[0], 1).verdict, Verdict::Same);
        let fixed = of(&found[1], 1);
        assert_eq!((fixed.mean, fixed.verdict), (1.0, Verdict::Fixed));
        assert_eq!((fixed.low, fixed.p, fixed.adjusted_p), (None, None, None));
    }

    #[test]
    fn without_chance_nothing_is_tested() {
        let without = |value: f64| Cell {
            chance: false,
            ..cell(&[value; 3])
        };
        let (found, counts) = tested(&[row("m", vec![without(3.0), without(1.0)])], |_| true);
        assert_eq!(counts, (0, 0));
        assert_eq!(of(&found[0], 1).verdict, Verdict::Fixed);
        assert_eq!(found[0].best, None);
        // A policy that draws can be compared with one that does not.
        let mixed = row("m", vec![without(3.0), cell(&[1.0, 1.1, 1.2])]);
        let (found, counts) = tested(&[mixed], |_| true);
        assert_eq!(counts, (1, 0));
        assert_eq!(of(&found[0], 1).verdict, Verdict::Better);
    }

    /// The second is marked worse alone in its family although a choice among three could not tell: t = 2.45 with 9
    /// degrees of freedom has p = 0.037, but among three the best is told apart beyond 2.69 only.
    #[test]
    fn what_is_marked_worse_may_not_be_the_best() {
        let base: Vec<f64> = (0..10).map(f64::from).collect();
        let shift = |mean: f64, spread: f64| -> Vec<f64> {
            let sign = |n: usize| if n.is_multiple_of(2) { 1.0 } else { -1.0 };
            base.iter()
                .enumerate()
                .map(|(n, x)| x + mean + spread * sign(n))
                .collect()
        };
        let error = (10.0f64 / 9.0).sqrt() / 10.0f64.sqrt();
        let second = shift(2.45 * error, 1.0);
        let only = row("m", vec![cell(&base), cell(&second)]);
        let (found, _) = tested(&[only], |_| true);
        assert_eq!(of(&found[0], 1).verdict, Verdict::Worse);
        assert_eq!(found[0].best.as_ref().expect("one").candidates, ["p0"]);

        let third = shift(100.0, 1.0);
        let three = row("m", vec![cell(&base), cell(&second), cell(&third)]);
        let (found, _) = tested(&[three], |_| true);
        assert_eq!(
            of(&found[0], 1).verdict,
            Verdict::Worse,
            "the last of Holm's is tested at 5 %"
        );
        assert_eq!(found[0].best.as_ref().expect("one").candidates, ["p0"]);
    }
}
