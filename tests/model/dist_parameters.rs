//! Constructors of distributions: what they keep, what they refuse, what they say.

use warpshare::workload::dist::{Dist, DistError};

#[test]
fn constructors_keep_mean_and_cv() {
    for mean in [1e-9, 0.37, 4e6, 1e18] {
        for cv in [1e-4, 1e-3, 0.03, 0.1, 0.5, 1.0, 1.7, 10.0, 100.0] {
            let mut dists = vec![
                Dist::gamma(mean, cv).unwrap(),
                Dist::weibull(mean, cv).unwrap(),
                Dist::lognormal(mean, cv).unwrap(),
            ];
            if cv >= 1.0 {
                dists.push(Dist::hyperexponential(mean, cv).unwrap());
            }
            for dist in dists {
                let (m, c) = (dist.mean(), dist.scv().sqrt());
                assert!((m / mean - 1.0).abs() < 1e-12, "{dist:?}: mean {m}");
                assert!(
                    (c / cv - 1.0).abs() < 1e-10,
                    "{dist:?}: cv {c}, asked for {cv}"
                );
            }
        }
        assert_eq!(Dist::exponential(mean).unwrap().mean(), mean);
        let erlang = Dist::erlang(mean, 4).unwrap();
        assert!((erlang.mean() / mean - 1.0).abs() < 1e-15);
        assert_eq!(erlang.scv(), 0.25);
    }
    // Weibull with shape 1 is exponential, with shape 2 Rayleigh: scv = 4/π − 1.
    let Dist::Weibull { shape, scale } = Dist::weibull(1.0, 1.0).unwrap() else {
        panic!("not a Weibull distribution");
    };
    assert!((shape - 1.0).abs() < 1e-14 && (scale - 1.0).abs() < 1e-14);
    let rayleigh = Dist::weibull_shape(2.0, 3.0).unwrap();
    assert!((rayleigh.scv() - (4.0 / std::f64::consts::PI - 1.0)).abs() < 1e-14);
    // Both forms of the same.
    let log = Dist::lognormal_log(1.0, 0.5).unwrap();
    let own = Dist::lognormal(log.mean(), log.scv().sqrt()).unwrap();
    assert!((own.mean() / log.mean() - 1.0).abs() < 1e-15);
    assert_eq!(Dist::gamma_shape(3.0, 2.0).unwrap().mean(), 6.0);
    let phases = Dist::hyperexponential_phases(0.25, 4.0, 8.0).unwrap();
    assert_eq!(phases.mean(), 7.0);
    // E X² = 2 (0.25 · 16 + 0.75 · 64) = 104.
    assert!((phases.scv() - (104.0 / 49.0 - 1.0)).abs() < 1e-15);
    let geometric = Dist::geometric(4.0, 1.0).unwrap();
    assert_eq!((geometric.mean(), geometric.scv()), (4.0, 0.75));
    let uniform = Dist::uniform(2.0, 4.0).unwrap();
    assert_eq!((uniform.mean(), uniform.scv()), (3.0, 1.0 / 27.0));
}

#[test]
fn moments_by_hand() {
    let scale = std::f64::consts::PI.sqrt();
    for (dist, mean, scv) in [
        // Variance (1 + 4 + 81 - 2 - 9 - 18) / 18.
        (Dist::triangular(1.0, 2.0, 9.0), 4.0, 57.0 / 18.0 / 16.0),
        (Dist::triangular(0.0, 0.0, 3.0), 1.0, 0.5),
        (Dist::beta(2.0, 3.0, 0.0, 10.0), 4.0, 0.25),
        // Beta 1.5, 4.5: variance 64 · 6.75 / (36 · 7).
        (Dist::pert(1.0, 2.0, 9.0), 3.0, 64.0 * 6.75 / 252.0 / 9.0),
        (Dist::pareto(3.0, 2.0), 3.0, 1.0 / 3.0),
        (Dist::pareto_mean(3.0, 3.0), 3.0, 1.0 / 3.0),
        (Dist::pareto_cv(3.0, 3f64.sqrt().recip()), 3.0, 1.0 / 3.0),
        (Dist::pareto(1.5, 2.0), 6.0, f64::INFINITY),
        // Γ(1/2) = √π.
        (Dist::frechet(2.0, 5.0), 5.0 * scale, f64::INFINITY),
        (
            Dist::frechet_mean(5.0 * scale, 2.0),
            5.0 * scale,
            f64::INFINITY,
        ),
        // Γ(1/2) / Γ(3/4)² - 1.
        (
            Dist::frechet(4.0, 1.0),
            1.225_416_702_465_177_6,
            scale / (1.225_416_702_465_177_6 * 1.225_416_702_465_177_6) - 1.0,
        ),
        (Dist::inverse_gaussian(7.0, 2.0), 7.0, 4.0),
        (Dist::poisson(6.0, 2.0), 6.0, 1.0 / 3.0),
        // Weights 1, 1/2, 1/3: E K = 3 · 6/11, E K² = 6 · 6/11.
        (
            Dist::zipf(3, 1.0, 1.0),
            18.0 / 11.0,
            36.0 * 11.0 / 324.0 - 1.0,
        ),
        (Dist::zipf(4, 0.0, 2.0), 5.0, 5.0 * 6.0 / 25.0 - 1.0),
    ] {
        let dist = dist.unwrap();
        assert!(
            (dist.mean() / mean - 1.0).abs() < 1e-14,
            "{dist:?}: {}",
            dist.mean()
        );
        let found = dist.scv();
        assert!(
            found == scv || (found / scv - 1.0).abs() < 1e-12,
            "{dist:?}: {found}"
        );
    }
}

/// Integrals by hand: ∫ x dF and ∫ x² dF of the cut Pareto distribution, at and near the
/// exponents where the closed form has a removable singularity.
#[test]
fn bounded_pareto_moments() {
    for alpha in [0.5, 1.0 - 1e-9, 1.0, 1.5, 2.0 - 1e-9, 2.0, 3.5] {
        let (low, high) = (2.0, 50.0);
        let dist = Dist::bounded_pareto(alpha, low, high).unwrap();
        // ∫ x^r dF = low^r + ∫ r x^(r−1) (1 − F(x)) dx in t = ln x, midpoint rule.
        let steps = 200_000;
        let h = libm::log(high / low) / f64::from(steps);
        let (mut first, mut second) = (low, low * low);
        for i in 0..steps {
            let x = low * libm::exp((f64::from(i) + 0.5) * h);
            let cut = libm::pow(low / high, alpha);
            let tail = (libm::pow(low / x, alpha) - cut) / (1.0 - cut);
            first += tail * x * h;
            second += 2.0 * x * tail * x * h;
        }
        assert!((dist.mean() / first - 1.0).abs() < 1e-8, "alpha {alpha}");
        let scv = second / (first * first) - 1.0;
        assert!((dist.scv() / scv - 1.0).abs() < 1e-7, "alpha {alpha}");
    }
}

#[test]
fn empirical_values_are_sorted_and_weighed() {
    let dist = Dist::empirical(&[3.0, 1.0, 9.0, 2.0], Some(&[1, 2, 0, 1])).unwrap();
    let Dist::Empirical { values, cumulative } = &dist else {
        panic!("not an empirical distribution");
    };
    assert_eq!(
        (&values[..], &cumulative[..]),
        (&[1.0, 2.0, 3.0][..], &[2, 3, 4][..])
    );
    assert_eq!(dist.mean(), 7.0 / 4.0);
    assert!((dist.scv() - 0.6875 / 3.0625).abs() < 1e-15);
    // The order in the file has no meaning.
    let other = Dist::empirical(&[2.0, 3.0, 1.0], Some(&[1, 1, 2])).unwrap();
    assert_eq!(other, dist);
    assert!(Dist::empirical(&[5.0, 5.0], None).unwrap().is_constant());
    // Weights near the limit still reach both ends.
    let heavy = Dist::empirical(&[1.0, 2.0], Some(&[u64::MAX - 1, 1])).unwrap();
    assert_eq!(heavy.mean(), 1.0);
    assert_eq!(Dist::empirical(&[], None), Err(DistError::NoValues));
    assert_eq!(
        Dist::empirical(&[1.0], Some(&[0])),
        Err(DistError::ZeroWeights)
    );
    let overflow = Dist::empirical(&[1.0, 2.0], Some(&[u64::MAX, 1]));
    assert_eq!(overflow, Err(DistError::WeightsOverflow));
    let count = Dist::empirical(&[1.0, 2.0], Some(&[1])).unwrap_err();
    assert_eq!(
        count.to_string(),
        "empirical: 2 values but 1 weights; give one weight for each value"
    );
}

#[test]
fn bad_parameters_are_refused_with_the_valid_range() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e19] {
        let one = Dist::constant(1.0).unwrap();
        for (what, dist) in [
            ("constant", Dist::constant(bad)),
            ("uniform low", Dist::uniform(bad, 1e18)),
            ("uniform high", Dist::uniform(0.0, bad)),
            ("exponential", Dist::exponential(bad)),
            ("erlang", Dist::erlang(bad, 2)),
            ("gamma mean", Dist::gamma(bad, 1.0)),
            ("gamma cv", Dist::gamma(1.0, bad)),
            ("gamma shape", Dist::gamma_shape(bad, 1.0)),
            ("gamma scale", Dist::gamma_shape(1.0, bad)),
            ("weibull mean", Dist::weibull(bad, 1.0)),
            ("weibull cv", Dist::weibull(1.0, bad)),
            ("weibull shape", Dist::weibull_shape(bad, 1.0)),
            ("weibull scale", Dist::weibull_shape(1.0, bad)),
            ("lognormal mean", Dist::lognormal(bad, 1.0)),
            ("lognormal cv", Dist::lognormal(1.0, bad)),
            ("lognormal sigma", Dist::lognormal_log(1.0, bad)),
            ("hyperexponential mean", Dist::hyperexponential(bad, 2.0)),
            ("hyperexponential cv", Dist::hyperexponential(1.0, bad)),
            (
                "hyperexponential p",
                Dist::hyperexponential_phases(bad, 1.0, 1.0),
            ),
            (
                "hyperexponential mean1",
                Dist::hyperexponential_phases(0.5, bad, 1.0),
            ),
            (
                "hyperexponential mean2",
                Dist::hyperexponential_phases(0.5, 1.0, bad),
            ),
            ("pareto alpha", Dist::bounded_pareto(bad, 1.0, 2.0)),
            ("pareto low", Dist::bounded_pareto(1.0, bad, 2.0)),
            ("pareto high", Dist::bounded_pareto(1.0, 1.0, bad)),
            ("geometric mean", Dist::geometric(bad, 1.0)),
            ("geometric unit", Dist::geometric(1.0, bad)),
            ("empirical", Dist::empirical(&[1.0, bad], None)),
            ("triangular mode", Dist::triangular(0.0, bad, 1.0)),
            ("pert high", Dist::pert(0.0, 1.0, bad)),
            ("beta alpha", Dist::beta(bad, 1.0, 0.0, 1.0)),
            ("beta low", Dist::beta(1.0, 1.0, bad, 1.0)),
            ("pareto alpha", Dist::pareto(bad, 1.0)),
            ("pareto mean", Dist::pareto_mean(bad, 2.0)),
            ("pareto cv", Dist::pareto_cv(1.0, bad)),
            ("frechet alpha", Dist::frechet(bad, 1.0)),
            ("frechet mean", Dist::frechet_mean(bad, 2.0)),
            ("inverse gaussian mean", Dist::inverse_gaussian(bad, 1.0)),
            ("inverse gaussian cv", Dist::inverse_gaussian(1.0, bad)),
            ("poisson mean", Dist::poisson(bad, 1.0)),
            ("zipf s", Dist::zipf(5, bad, 1.0)),
        ] {
            let error = dist
                .as_ref()
                .err()
                .unwrap_or_else(|| panic!("{what} {bad} accepted"));
            assert!(
                error
                    .to_string()
                    .contains(&format!("is {bad}, but must be ")),
                "{error}"
            );
            assert_ne!(dist, Ok(one.clone()));
        }
    }
    for (dist, message) in [
        (
            Dist::exponential(0.0),
            "exponential: `mean` is 0, but must be at least 1e-9 and at most 1e18",
        ),
        (
            Dist::lognormal(1.0, 0.0),
            "lognormal: `cv` is 0, but must be at least 1e-4 and at most 150; \
             without variation it is a constant",
        ),
        (
            Dist::hyperexponential(1.0, 0.5),
            "hyperexponential: `cv` is 0.5, but must be at least 1 and at most 150; \
             below 1 use gamma, weibull or lognormal",
        ),
        (
            Dist::uniform(2.0, 2.0),
            "uniform: `high` is 2, but must be more than `low` = 2; for a single value use a constant",
        ),
        (
            Dist::bounded_pareto(1.0, 3.0, 2.0),
            "bounded-pareto: `high` is 2, but must be more than `low` = 3",
        ),
        (
            Dist::geometric(1.0, 2.0),
            "geometric: `mean` is 1, but must be at least `unit` = 2 and at most 1e12 times that",
        ),
        (
            Dist::hyperexponential_phases(1.0, 1.0, 1.0),
            "hyperexponential: `p` is 1, but must be more than 0 and less than 1",
        ),
        (
            Dist::erlang(1.0, 0),
            "erlang: `k` is 0, but must be at least 1 and at most 1e6",
        ),
        (
            Dist::empirical(&[0.0, 0.0], None),
            "empirical: `value` is 0, but must be at least 1e-9 for one of the values",
        ),
        (
            Dist::pareto(1.0, 2.0),
            "pareto: `alpha` is 1, but must be more than 1: up to there the mean is infinite, and no \
             run has a long-run average; for such a tail use `bounded-pareto`, which ends somewhere",
        ),
        (
            Dist::triangular(1.0, 5.0, 3.0),
            "triangular: `mode` is 5, but must be at least 1 and at most 3",
        ),
        (
            Dist::poisson(2e12, 1.0),
            "poisson: `mean` is 2000000000000, but must be from 1e-6 to 1e12 times `unit` = 1",
        ),
        (
            Dist::weibull_shape(0.1, 1e18),
            "weibull: `mean` is 3628800000000000000000000, but must be at least 1e-9 and at most 1e18",
        ),
    ] {
        assert_eq!(dist.unwrap_err().to_string(), message);
    }
}

#[test]
fn descriptions() {
    let ms = |ns: f64| format!("{} ms", (ns / 1e3).round() / 1e3);
    let text = |dist: Result<Dist, DistError>| dist.unwrap().describe(ms);
    assert_eq!(text(Dist::constant(2e6)), "constant 2 ms");
    assert_eq!(text(Dist::uniform(1e6, 3e6)), "uniform, 1 ms to 3 ms");
    assert_eq!(text(Dist::exponential(4e6)), "exponential, mean 4 ms");
    assert_eq!(text(Dist::erlang(4e6, 3)), "Erlang-3, mean 4 ms");
    assert_eq!(text(Dist::gamma(4e6, 0.3)), "gamma, mean 4 ms, cv 0.3");
    assert_eq!(text(Dist::weibull(4e6, 0.3)), "Weibull, mean 4 ms, cv 0.3");
    assert_eq!(
        text(Dist::lognormal(4e6, 0.5)),
        "lognormal, mean 4 ms, cv 0.5"
    );
    assert_eq!(
        text(Dist::hyperexponential(4e6, 2.0)),
        "hyperexponential, mean 4 ms, cv 2"
    );
    assert_eq!(
        text(Dist::bounded_pareto(1.0, 1e6, 2.718281828e6)),
        "bounded Pareto, alpha 1, 1 ms to 2.718 ms, mean 1.582 ms"
    );
    assert_eq!(
        text(Dist::geometric(4e6, 1e6)),
        "geometric in steps of 1 ms, mean 4 ms"
    );
    assert_eq!(
        text(Dist::empirical(&[1e6, 3e6], None)),
        "empirical, 2 values, mean 2 ms, cv 0.5"
    );
}
