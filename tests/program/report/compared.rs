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
        sharing: vec![
            Sharing::TimeSlice(TimeSlice {
                scheduler: name.to_owned(),
                reserves: false,
                arr_factor: None,
                slice_ns: Some(2_000_000),
                elastic_cap: None,
            });
            2
        ],
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
    (kind, of): (SubjectKind, &str),
    (metric, unit, better): (&str, Unit, Better),
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
        kind,
        metric: metric.to_owned(),
        unit,
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
    let gpu = (SubjectKind::Gpu, "a");
    let mut metrics = vec![
        row(gpu, ("antt", Unit::Ratio, Lower), 2.31, 0.1),
        row(gpu, ("stp", Unit::Guests, Higher), 1.74, 0.05),
        row(gpu, ("jain_progress", Unit::Index, Higher), 0.913, -0.04),
        row(gpu, ("jain_gpu_time", Unit::Index, Higher), 0.871, 0.03),
        row(gpu, ("longest_starvation", Unit::Time, Lower), 14.58e6, 0.2),
        row(gpu, ("switching", Unit::Fraction, Lower), 0.0412, 0.3),
    ];
    for (guest, mean) in [("desktop", 31e6), ("render", 180e6)] {
        let of = (SubjectKind::Guest, guest);
        metrics.push(row(of, ("throughput", Unit::PerSecond, Higher), 12.5, 0.01));
        metrics.push(row(of, ("response.mean", Unit::Time, Lower), mean, 0.1));
        metrics.push(row(
            of,
            ("response.p50", Unit::Time, Lower),
            mean * 0.8,
            0.1,
        ));
        metrics.push(row(
            of,
            ("response.p95", Unit::Time, Lower),
            mean * 2.6,
            0.2,
        ));
        metrics.push(row(
            of,
            ("response.p99", Unit::Time, Lower),
            mean * 4.1,
            0.3,
        ));
        metrics.push(row(of, ("slowdown", Unit::Ratio, Lower), 1.93, 0.1));
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
            horizon: Horizon::Steady,
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
        slices: Vec::new(),
        policies: policies
            .map(|(n, name)| policy(name, 1.0 + 0.17 * n as f64))
            .collect(),
        metrics,
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
        worst_of: Some(MeanOf {
            metric: "response.p99".to_owned(),
            of: "render".to_owned(),
            policy: "fixed-share".to_owned(),
        }),
        looks: vec![10, 20, 40],
    });
    let overloaded = Overloaded {
        guest: "render".to_owned(),
        why: Overload::Unfinished { jobs: 137 },
    };
    result.policies[2].overloaded = vec![overloaded.clone()];
    result.policies[2].response[1].unfinished = 137;
    let short = Finding::WarmUp {
        guest: "desktop".to_owned(),
        check: WarmupCheck {
            suggested_ns: Some(3_000_000_000),
            verdict: WarmupVerdict::TooShort,
        },
    };
    result.policies[0].findings = vec![short.clone()];
    result.policies[2].findings = vec![
        short,
        Finding::Overload(overloaded),
        Finding::Data {
            guest: "desktop".to_owned(),
            quantiles: vec![0.99],
            why: Some(Reason::TooFewJobs {
                jobs: 800,
                needed: 9_000,
                remedy: Remedy {
                    replications: Some(113),
                    duration_ns: Some(121_000_000_000),
                },
            }),
        },
    ];
    let slice = |length_ns, policies: &[&str]| Slice {
        length_ns,
        policies: policies.iter().map(|&name| name.to_owned()).collect(),
    };
    result.slices = vec![
        slice(1_000_000, &["best-effort"]),
        slice(2_000_000, &["equal-share", "fixed-share"]),
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
    result.policies[1].broken = vec![Invariant::I1];
    for row in &mut result.metrics {
        if row.of == "render" && row.unit == Unit::Time {
            row.values[2].difference = None;
            row.values[2].note = Some(Reason::Overloaded);
        }
        if row.metric == "stp" {
            row.values[2] = PolicyValue {
                value: None,
                half_width: None,
                note: Some(Reason::GuestOverloaded {
                    guest: "render".to_owned(),
                }),
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
