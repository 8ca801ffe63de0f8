//! Comparisons that no simulator made: three policies on two guests, and variations.

use warpshare::result::*;

/// A right-skewed histogram around `mean_ns`, the same every time.
fn histogram(jobs: u64, mean_ns: f64, spread: f64) -> LatencyHistogram {
    let value = |n: u64| {
        let rank = (n as f64 + 0.5) / jobs as f64;
        (mean_ns * (0.4 + 0.5 * rank + spread * (rank * rank * rank) * (rank * rank * rank))) as u64
    };
    let values: Vec<u64> = (0..jobs).map(value).collect();
    LatencyHistogram {
        count: jobs,
        sum_ns: values.iter().map(|&v| u128::from(v)).sum(),
        buckets: values.into_iter().map(|v| (v, 1)).collect(),
    }
}

/// Turns of 2 ms (and a share of it) in rotation, up to 120 ms.
fn turns(tenants: &[&str], slice_ns: u64) -> Vec<TurnRow> {
    let round = slice_ns * tenants.len() as u64;
    let turns_of = |n: usize| {
        (0..120_000_000 / round)
            .map(|k| {
                let from = k * round + n as u64 * slice_ns;
                (from, from + slice_ns * 9 / 10)
            })
            .collect()
    };
    let rows = tenants.iter().enumerate();
    rows.map(|(n, tenant)| TurnRow {
        tenant: (*tenant).to_owned(),
        turns: turns_of(n),
    })
    .collect()
}

pub fn policy(name: &str, scale: f64) -> PolicyResult {
    let group = |guest: &str, jobs, mean: f64| GroupLatency {
        guest: guest.to_owned(),
        histogram: histogram(jobs, mean * scale, 3.0),
        unfinished: 0,
    };
    let member = |name: &str, slowdown: f64| MemberSlowdown {
        name: name.to_owned(),
        slowdown: Some(slowdown * scale),
    };
    PolicyResult {
        name: name.to_owned(),
        about: "Each tenant in turn, as long as it has work.".to_owned(),
        source: "vGPU user guide".to_owned(),
        sharing: vec![format!("time-slice: {name}, 2 ms"); 2],
        hash: "b7".repeat(32),
        overloaded: Vec::new(),
        findings: Vec::new(),
        broken: Vec::new(),
        response: vec![group("desktop", 800, 31e6), group("render", 300, 180e6)],
        members: vec![
            member("desktop#0", 1.8),
            member("desktop#1", 1.9),
            member("desktop#2", 2.05),
            member("render", 3.4),
        ],
        turns: turns(
            &["desktop#0", "desktop#1", "desktop#2", "render"],
            (2e6 * scale) as u64,
        ),
    }
}

fn difference(mean: f64, half: f64, better: Better) -> Difference {
    let good = match better {
        Better::Lower => mean < 0.0,
        Better::Higher => mean > 0.0,
    };
    Difference {
        mean,
        low: Some(mean - half),
        high: Some(mean + half),
        p: Some(0.0004),
        adjusted_p: Some(0.004),
        verdict: match (mean, half) {
            (0.0, 0.0) => Verdict::Same,
            _ if mean.abs() <= half => Verdict::Undecided,
            _ if good => Verdict::Better,
            _ => Verdict::Worse,
        },
        variance_ratio: (half > 0.0).then_some(0.21),
    }
}

/// A metric whose policies differ from the first by `changes` (with half-widths).
fn metric(
    (kind, of): (&str, &str),
    (metric, unit, better): (&str, &str, Better),
    base: f64,
    changes: &[(f64, f64)],
    names: &[&str],
) -> MetricComparison {
    let mut values = vec![PolicyValue {
        value: Some(base),
        half_width: Some(base.abs() * 0.021),
        note: None,
        difference: None,
    }];
    values.extend(changes.iter().map(|&(mean, half)| PolicyValue {
        value: Some(base + mean),
        half_width: Some(base.abs() * 0.023),
        note: None,
        difference: Some(difference(mean, half, better)),
    }));
    let best = values.iter().enumerate().min_by(|a, b| {
        let of = |value: &PolicyValue| match better {
            Better::Lower => value.value,
            Better::Higher => value.value.map(|value| -value),
        };
        of(a.1).partial_cmp(&of(b.1)).unwrap()
    });
    let best = best.map(|(n, _)| Best {
        policy: names[n].to_owned(),
        within: base.abs() * 0.004,
        candidates: names
            .iter()
            .skip(n)
            .take(2)
            .map(|&n| n.to_owned())
            .collect(),
    });
    MetricComparison {
        of: of.to_owned(),
        kind: kind.to_owned(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        better,
        primary: true,
        values,
        best,
    }
}

/// These policies on one GPU with two guest groups; each next one a little further from the first.
pub fn comparison(names: &[&str]) -> ComparisonResult {
    use Better::{Higher, Lower};
    let changes = |unit: f64| -> Vec<(f64, f64)> {
        (1..names.len())
            .map(|n| match n % 4 {
                1 => (-unit * (1.0 + 0.1 * n as f64), unit.abs() * 0.3),
                2 => (unit * (0.7 + 0.13 * n as f64), unit.abs() * 0.31),
                3 => (0.0, 0.0),
                _ => (unit * 0.02 * n as f64, unit.abs() * 0.4),
            })
            .collect()
    };
    let row = |of, what, base: f64, part: f64| metric(of, what, base, &changes(base * part), names);
    let gpu = ("gpu", "a");
    let mut metrics = vec![
        row(gpu, ("antt", "", Lower), 2.31, 0.1),
        row(gpu, ("stp", "", Higher), 1.74, 0.05),
        row(gpu, ("jain_progress", "", Higher), 0.913, -0.04),
        row(gpu, ("jain_gpu_time", "", Higher), 0.871, 0.03),
        row(gpu, ("longest_starvation", "ns", Lower), 14.58e6, 0.2),
        row(gpu, ("switching", "fraction", Lower), 0.0412, 0.3),
    ];
    for (guest, mean) in [("desktop", 31e6), ("render", 180e6)] {
        let of = ("guest", guest);
        metrics.push(row(of, ("throughput", "1/s", Higher), 12.5, 0.01));
        metrics.push(row(of, ("response.mean", "ns", Lower), mean, 0.1));
        metrics.push(row(of, ("response.p50", "ns", Lower), mean * 0.8, 0.1));
        metrics.push(row(of, ("response.p95", "ns", Lower), mean * 2.6, 0.2));
        metrics.push(row(of, ("response.p99", "ns", Lower), mean * 4.1, 0.3));
        metrics.push(row(of, ("slowdown", "", Lower), 1.93, 0.1));
    }
    let policies = names.iter().enumerate();
    ComparisonResult {
        format: COMPARISON_FORMAT,
        meta: Meta {
            program: "warpshare".to_owned(),
            version: "0.1.0".to_owned(),
        },
        scenario: ScenarioInfo {
            name: "office".to_owned(),
            title: Some("Three desktops and a render farm on an A40".to_owned()),
            hash: "a3".repeat(32),
        },
        plan: PlanInfo {
            horizon: "steady".to_owned(),
            warmup_ns: 2_000_000_000,
            window_ns: 10_000_000_000,
            drain_ns: 10_000_000_000,
            replications: 10,
            seed: 1,
            confidence: 0.95,
            no_chance: false,
        },
        against: names[0].to_owned(),
        primary: vec!["antt".to_owned(), "response.p95".to_owned()],
        tested: ((names.len() - 1) * metrics.len()) as u32,
        explored: 0,
        sequential: None,
        remarks: Vec::new(),
        policies: policies
            .map(|(n, name)| policy(name, 1.0 + 0.17 * n as f64))
            .collect(),
        metrics,
        verdict: "Against best-effort, the mean slowdown of a is lower under equal-share (-11.0 %) and higher under fixed-share (+9.6 %). Fairness of progress of a is higher under equal-share.".to_owned(),
    }
}

/// Three policies, all well.
pub fn calm() -> ComparisonResult {
    comparison(&["best-effort", "equal-share", "fixed-share"])
}

/// Three policies: one overloads a guest, one has no turns, one breaks an invariant.
pub fn troubled() -> ComparisonResult {
    let mut result = calm();
    result.sequential = Some(Sequential {
        precision: 0.05,
        reached: false,
        worst: 0.0731,
        worst_of: "response.p99 of render under fixed-share".to_owned(),
        looks: vec![10, 20, 40],
    });
    result.policies[2].overloaded = vec![(
        "render".to_owned(),
        "137 jobs were unfinished when the drain bound was reached in 10 of 10 replications"
            .to_owned(),
    )];
    result.policies[2].response[1].unfinished = 137;
    let finding = |kind, of: &str, text: &str| Finding {
        kind,
        of: of.to_owned(),
        text: text.to_owned(),
    };
    let short = "warm-up of desktop: too short (MSER-5 would remove 3s)";
    result.policies[0].findings = vec![finding(FindingKind::WarmUp, "desktop", short)];
    let why = result.policies[2].overloaded[0].1.clone();
    result.policies[2].findings = vec![
        finding(FindingKind::WarmUp, "desktop", short),
        finding(FindingKind::Overload, "render", &why),
        finding(
            FindingKind::Data,
            "desktop",
            "p99 of desktop: not enough data for an interval: about 9000 jobs are needed, 800 there are \
             (replications = 113 or duration = \"120s\")",
        ),
    ];
    result.remarks = vec![
        "Slices differ: 1ms under best-effort, 2ms under equal-share and fixed-share.".to_owned(),
    ];
    // One metric aside, one difference that does not vary.
    for row in &mut result.metrics {
        if row.metric == "switching" {
            row.primary = false;
        }
        if row.metric == "jain_gpu_time" {
            let fixed = row.values[1].difference.as_mut().expect("a difference");
            *fixed = Difference {
                low: None,
                high: None,
                p: None,
                adjusted_p: None,
                verdict: Verdict::Fixed,
                variance_ratio: None,
                ..fixed.clone()
            };
        }
    }
    result.explored = 2;
    result.policies[2].members[3].slowdown = None;
    result.policies[1].turns.clear();
    result.policies[1].broken = vec!["V3 time is kept: 1 ns is missing".to_owned()];
    for row in &mut result.metrics {
        if row.of == "render" && row.unit == "ns" {
            row.values[2].difference = None;
            row.values[2].note = Some("overloaded: at least".to_owned());
        }
        if row.metric == "stp" {
            row.values[2] = PolicyValue {
                value: None,
                half_width: None,
                note: Some("render is overloaded".to_owned()),
                difference: None,
            };
        }
    }
    result
}

/// As little as a comparison can hold.
pub fn bare() -> ComparisonResult {
    let mut result = calm();
    for row in &mut result.metrics {
        row.best = None;
        for value in &mut row.values {
            *value = PolicyValue {
                value: None,
                half_width: None,
                note: None,
                difference: None,
            };
        }
    }
    for policy in &mut result.policies {
        policy.members.clear();
        policy.turns.clear();
        for group in &mut policy.response {
            group.histogram = LatencyHistogram::default();
        }
    }
    result.tested = 0;
    result.verdict.clear();
    result
}

/// As many policies as there may be, with long names and many guests.
pub fn crowd() -> ComparisonResult {
    let names: Vec<String> = (0..20)
        .map(|n| match n % 3 {
            0 => format!("stride-{n}"),
            1 => format!("deficit-round-robin slice={n}ms"),
            _ => format!("multi-level-feedback levels={n} boost=100ms"),
        })
        .collect();
    let mut result = comparison(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for policy in &mut result.policies {
        let members = (0..48).map(|n| MemberSlowdown {
            name: format!("desktop#{n}"),
            slowdown: Some(
                policy.members[0].slowdown.unwrap() * (1.0 + f64::from(n * n % 37) / 60.0),
            ),
        });
        policy.members = members.collect();
        let names: Vec<String> = (0..16).map(|n| format!("desktop#{n}")).collect();
        policy.turns = turns(
            &names.iter().map(String::as_str).collect::<Vec<_>>(),
            1_000_000,
        );
    }
    result
}
