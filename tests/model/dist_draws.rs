//! Draws of each distribution: golden values, fit, moments, pinned mathematics.

use num_traits::Float;
use sha2::{Digest, Sha256};
use warpshare::engine::random::Stream;
use warpshare::engine::time::LONGEST;
use warpshare::stats::normal::{normal_cdf, normal_quantile};
use warpshare::stats::special::{chi_square_tail, incomplete_beta, incomplete_gamma};
use warpshare::workload::dist::{Dist, DistError, Real};

fn square(x: f64) -> f64 {
    x * x
}

/// One of each family, with shapes on both sides of where methods switch.
fn families() -> Vec<(&'static str, Dist)> {
    let build = |d: Result<Dist, DistError>| d.unwrap();
    vec![
        ("uniform", build(Dist::uniform(2e6, 5e6))),
        ("exponential", build(Dist::exponential(4e6))),
        ("erlang 3", build(Dist::erlang(4e6, 3))),
        ("gamma cv 0.4", build(Dist::gamma(4e6, 0.4))),
        ("gamma cv 2.5", build(Dist::gamma(4e6, 2.5))),
        ("weibull cv 0.5", build(Dist::weibull(4e6, 0.5))),
        ("weibull cv 2", build(Dist::weibull(4e6, 2.0))),
        ("lognormal cv 0.5", build(Dist::lognormal(4e6, 0.5))),
        ("lognormal cv 2", build(Dist::lognormal(4e6, 2.0))),
        (
            "hyperexponential cv 2",
            build(Dist::hyperexponential(4e6, 2.0)),
        ),
        (
            "bounded pareto 1.5",
            build(Dist::bounded_pareto(1.5, 1e5, 1e8)),
        ),
        (
            "bounded pareto 1",
            build(Dist::bounded_pareto(1.0, 1e5, 1e8)),
        ),
        ("geometric", build(Dist::geometric(4e6, 1e6))),
        ("triangular", build(Dist::triangular(1e6, 2e6, 9e6))),
        ("pert", build(Dist::pert(1e6, 2e6, 9e6))),
        ("beta below 1", build(Dist::beta(0.5, 0.8, 1e6, 5e6))),
        ("pareto 6", build(Dist::pareto(6.0, 1e6))),
        ("frechet 6", build(Dist::frechet(6.0, 1e6))),
        (
            "inverse gaussian cv 0.5",
            build(Dist::inverse_gaussian(4e6, 0.5)),
        ),
        (
            "inverse gaussian cv 3",
            build(Dist::inverse_gaussian(4e6, 3.0)),
        ),
        ("poisson 3", build(Dist::poisson(3e6, 1e6))),
        ("poisson 40", build(Dist::poisson(40e6, 1e6))),
        ("zipf 1.2", build(Dist::zipf(20, 1.2, 1e6))),
        (
            "empirical",
            build(Dist::empirical(&[7e6, 1e6, 2e6], Some(&[1, 5, 2]))),
        ),
    ]
}

/// P(X ≤ x), written independently of the sampler.
fn cdf(dist: &Dist, x: f64) -> f64 {
    match dist {
        Dist::Uniform { low, high } => (x - low) / (high - low),
        Dist::Exponential { mean } => -libm::expm1(-x / mean),
        Dist::Gamma { shape, scale } => incomplete_gamma(*shape, x / scale),
        Dist::Weibull { shape, scale } => -libm::expm1(-libm::pow(x / scale, *shape)),
        Dist::Lognormal { mu, sigma } => normal_cdf((libm::log(x) - mu) / sigma),
        Dist::Hyperexponential { p, mean1, mean2 } => {
            1.0 - p * libm::exp(-x / mean1) - (1.0 - p) * libm::exp(-x / mean2)
        }
        Dist::BoundedPareto { alpha, low, high } => {
            (1.0 - libm::pow(low / x, *alpha)) / (1.0 - libm::pow(low / high, *alpha))
        }
        Dist::Triangular { low, mode, high } if x < *mode => {
            square(x - low) / ((high - low) * (mode - low))
        }
        Dist::Triangular { low, mode, high } => {
            1.0 - square(high - x) / ((high - low) * (high - mode))
        }
        Dist::Beta {
            alpha,
            beta,
            low,
            high,
        } => {
            let part = (x - low) / (high - low);
            incomplete_beta(*alpha, *beta, part, 1.0 - part)
        }
        Dist::Pareto { alpha, low } => 1.0 - libm::pow(low / x, *alpha),
        Dist::Frechet { alpha, scale } => libm::exp(-libm::pow(x / scale, -alpha)),
        Dist::InverseGaussian { mean, scv } => {
            let (r, t) = (1.0 / libm::sqrt(scv * x / mean), x / mean);
            normal_cdf(r * (t - 1.0)) + libm::exp(2.0 / scv) * normal_cdf(-r * (t + 1.0))
        }
        _ => unreachable!("discrete families have a test of their own"),
    }
}

/// Asymptotic p-value of the Kolmogorov-Smirnov statistic, with Stephens' correction.
fn kolmogorov_p(d: f64, n: usize) -> f64 {
    let root = (n as f64).sqrt();
    let x = d * (root + 0.12 + 0.11 / root);
    let terms = (1..100).map(|k| {
        let k = f64::from(k);
        let sign = if k % 2.0 == 1.0 { 2.0 } else { -2.0 };
        sign * libm::exp(-2.0 * k * k * x * x)
    });
    terms.sum::<f64>().clamp(0.0, 1.0)
}

/// Kolmogorov-Smirnov on 300,000 draws, p in [1e-4, 1 − 1e-4]: a correct sampler fails for 2 of
/// 10,000 seeds, any of the nineteen for 38 of 10,000. A shift of the distribution function by
/// 0.005 anywhere is found with near certainty.
#[test]
fn draws_fit_their_distribution() {
    let n = 300_000;
    for (name, dist) in families() {
        if matches!(
            dist,
            Dist::Geometric { .. }
                | Dist::Empirical { .. }
                | Dist::Poisson { .. }
                | Dist::Zipf { .. }
        ) {
            continue;
        }
        let stream = Stream::new(20_261_124, 0, name, 0, "fit");
        let mut draws: Vec<f64> = (0..n).map(|i| dist.sample(&stream, i)).collect();
        draws.sort_by(f64::total_cmp);
        let d = draws.iter().enumerate().map(|(i, &x)| {
            let f = cdf(&dist, x);
            f64::max((i + 1) as f64 / n as f64 - f, f - i as f64 / n as f64)
        });
        let p = kolmogorov_p(d.fold(0.0, f64::max), n as usize);
        println!("{name}: p = {p:.4}");
        assert!((1e-4..=1.0 - 1e-4).contains(&p), "{name}: p = {p}");
    }
}

/// Chi-square against the exact probabilities; same error probability.
#[test]
fn discrete_draws_fit_their_probabilities() {
    let n = 300_000;
    let geometric: Vec<(f64, f64)> = (1..=30)
        .map(|k| (f64::from(k) * 1e6, 0.25 * libm::pow(0.75, f64::from(k - 1))))
        .collect();
    let empirical = vec![(1e6, 5.0 / 8.0), (2e6, 2.0 / 8.0), (7e6, 1.0 / 8.0)];
    // e^-c c^k / k!
    let poisson = |count: f64, from: u32, to: u32| -> Vec<(f64, f64)> {
        let p = |k: f64| libm::exp(k * libm::log(count) - count - libm::lgamma(k + 1.0));
        (from..=to)
            .map(|k| (f64::from(k) * 1e6, p(f64::from(k))))
            .collect()
    };
    let (few, many) = (poisson(3.0, 0, 10), poisson(40.0, 20, 60));
    let weights: Vec<f64> = (1..=20).map(|k| libm::pow(f64::from(k), -1.2)).collect();
    let total: f64 = weights.iter().sum();
    let zipf: Vec<(f64, f64)> = (1..)
        .zip(&weights)
        .map(|(k, weight)| (f64::from(k) * 1e6, weight / total))
        .collect();
    for (name, dist) in families() {
        let cells = match dist {
            Dist::Poisson { count, .. } if count < 12.0 => &few,
            Dist::Poisson { .. } => &many,
            Dist::Zipf { .. } => &zipf,
            Dist::Geometric { .. } => &geometric,
            Dist::Empirical { .. } => &empirical,
            _ => continue,
        };
        let stream = Stream::new(20_261_124, 0, name, 0, "fit");
        let mut counts = vec![0.0; cells.len()];
        let mut rest = 0.0;
        for i in 0..n {
            let x = dist.sample(&stream, i);
            match cells.iter().position(|c| c.0 == x) {
                Some(cell) => counts[cell] += 1.0,
                None => rest += 1.0,
            }
        }
        let rest_p = 1.0 - cells.iter().map(|c| c.1).sum::<f64>();
        let cell = |count: f64, p: f64| square(count - n as f64 * p) / (n as f64 * p);
        let mut chi2: f64 = counts
            .iter()
            .zip(cells)
            .map(|(&c, &(_, p))| cell(c, p))
            .sum();
        let mut df = cells.len() as f64 - 1.0;
        if rest_p > 1e-9 {
            chi2 += cell(rest, rest_p);
            df += 1.0;
        } else {
            assert_eq!(rest, 0.0, "{name}: a value that it does not have");
        }
        let p = chi_square_tail(chi2, df);
        println!("{name}: p = {p:.4}");
        assert!((1e-4..=1.0 - 1e-4).contains(&p), "{name}: p = {p}");
    }
}

/// Mean and variance of 300,000 draws within five standard errors of what the distribution says
/// (the error of the variance from the fourth moment of the draws): a correct sampler fails for
/// less than 1 of a million seeds in each.
#[test]
fn draws_have_the_stated_moments() {
    let n = 300_000u64;
    for (name, dist) in families() {
        let stream = Stream::new(20_261_124, 1, name, 0, "moments");
        // In units of the mean.
        let draws: Vec<f64> = (0..n)
            .map(|i| dist.sample(&stream, i) / dist.mean())
            .collect();
        let average = |f: &dyn Fn(f64) -> f64| draws.iter().map(|&x| f(x)).sum::<f64>() / n as f64;
        let mean = average(&|x| x);
        let variance = average(&|x| square(x - mean));
        let fourth = average(&|x| square(square(x - mean)));
        let root = (n as f64).sqrt();
        assert!(
            (mean - 1.0).abs() <= 5.0 * dist.scv().sqrt() / root,
            "{name}: mean {mean}"
        );
        let error = (fourth - variance * variance).sqrt() / root;
        assert!(
            (variance - dist.scv()).abs() <= 5.0 * error,
            "{name}: variance {variance}, stated {}, error {error}",
            dist.scv()
        );
    }
}

/// SHA-256 of the bits of 10,000 draws (little-endian), for each family. A change here is a change
/// of every result: never update these without a new major version of the format.
#[test]
fn golden_draws() {
    let mut got = String::new();
    for (name, dist) in families() {
        let stream = Stream::new(42, 7, "golden", 3, name);
        let mut hash = Sha256::new();
        for i in 0..10_000 {
            hash.update(dist.sample(&stream, i).to_le_bytes());
        }
        let hex: String = hash.finalize()[..8]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        got += &format!("{name}: {hex}\n");
    }
    assert_eq!(got, GOLDEN);
}

const GOLDEN: &str = "\
uniform: 89dc4622733d1028
exponential: c031c2041198ea69
erlang 3: f305aaeb595930bd
gamma cv 0.4: 6bcc56b8bca06bd3
gamma cv 2.5: 77b9b073873d0ff6
weibull cv 0.5: 47dda2176ac62601
weibull cv 2: 89dad14f18201334
lognormal cv 0.5: 8890ebb8b669e7c3
lognormal cv 2: 081ee6efb8957f0c
hyperexponential cv 2: 160f3dd509d54d4a
bounded pareto 1.5: 93a1b9865c506284
bounded pareto 1: fae99f3e731f0345
geometric: d86cfae84e79debd
triangular: e86b1027b2da6486
pert: 39d465355e53b5a9
beta below 1: 62fbb35e6a5b27f0
pareto 6: 5e4b9888677377d2
frechet 6: bcaf9ed8549ed592
inverse gaussian cv 0.5: 10414116a0f22e00
inverse gaussian cv 3: 0ca6cdfea2f27c99
poisson 3: 8bfba274edd107fe
poisson 40: 2df128545f67023a
zipf 1.2: 30603e6ab8958095
empirical: c36bd0cbf8e3fd37
";

/// Arguments for which the C library behind `f64::ln` and the like on Linux (glibc) and libm 0.2.16
/// differ in the last bit, with libm's bits. If a feature of another crate redirected [`Real`] to
/// the platform, this would fail there.
#[test]
fn real_has_the_mathematics_of_libm() {
    for (x, bits) in LN {
        assert_eq!(Float::ln(Real(x)).0.to_bits(), bits, "ln {x}");
    }
    for (x, bits) in EXP {
        assert_eq!(Float::exp(Real(x)).0.to_bits(), bits, "exp {x}");
    }
    for (x, y, bits) in POW {
        assert_eq!(Float::powf(Real(x), Real(y)).0.to_bits(), bits, "{x} ^ {y}");
    }
    let stream = Stream::new(1, 0, "real", 0, "arguments");
    for i in 0..20_000 {
        let mut draws = stream.at(i);
        let (u, x) = (draws.uniform(), 60.0 * draws.uniform() - 30.0);
        let same = |a: Real, b: f64| assert_eq!(a.0.to_bits(), b.to_bits(), "{u} {x}");
        same(Float::ln(Real(u)), libm::log(u));
        same(Float::exp(Real(x)), libm::exp(x));
        same(Float::powf(Real(u), Real(x)), libm::pow(u, x));
        same(Float::sqrt(Real(u)), libm::sqrt(u));
        same(Float::ln_1p(Real(-u)), libm::log1p(-u));
        same(Float::exp_m1(Real(x)), libm::expm1(x));
        same(Float::powi(Real(u), 3), libm::pow(u, 3.0));
    }
}
const LN: [(f64, u64); 4] = [
    (0.334709, 0xbff1830be94ada28),
    (0.198949, 0xbff9d5d6c3b61c38),
    (0.622538, 0xbfde5534eeac8000),
    (0.181624, 0xbffb4b0669c5f11e),
];
const EXP: [(f64, u64); 4] = [
    (15.372, 0x415217001aaef43a),
    (19.112000000000002, 0x41a7cc5e7a0cb878),
    (3.9720000000000013, 0x404a8b98f9b8ebc6),
    (-15.434000000000001, 0x3e8a9a06d5b3f210),
];
const POW: [(f64, f64, u64); 4] = [
    (0.122798, 2.464, 0x3f77576760ea8b3e),
    (0.231389, 2.942, 0x3f8b9ec2dbc9020c),
    (0.86517, 1.271, 0x3fea9eafc5f3509c),
    (0.334709, 2.081, 0x3fba3f2031da4e58),
];

#[test]
fn nanoseconds_round_to_even_and_saturate() {
    let stream = Stream::new(1, 0, "x", 0, "x");
    let constant = |v| Dist::constant(v).unwrap().sample_nanos(&stream, 0);
    assert_eq!([constant(2.5), constant(3.5), constant(2.6)], [2, 4, 3]);
    assert!(Dist::constant(1.0).unwrap().is_constant());
    assert!(!Dist::exponential(1.0).unwrap().is_constant());
    let exponential = Dist::exponential(1000.0).unwrap();
    for i in 0..1000 {
        let exact = exponential.sample(&stream, i);
        let rounded = exponential.sample_nanos(&stream, i) as f64;
        assert!((rounded - exact).abs() <= 0.5);
    }
    // With a mean of 1e18, one draw in 10,000 lies beyond the longest time.
    let long = Dist::exponential(1e18).unwrap();
    let saturated = (0..100_000)
        .filter(|&i| long.sample_nanos(&stream, i) == LONGEST)
        .count();
    assert!((1..100).contains(&saturated), "{saturated}");
}

/// Parameters at the limits of what the constructors accept: finite, never negative.
#[test]
fn extreme_parameters_draw_finite_numbers() {
    let stream = Stream::new(1, 0, "extreme", 0, "x");
    for dist in [
        Dist::gamma(1e18, 100.0),
        Dist::gamma(1e-9, 1e-4),
        Dist::gamma_shape(1e-4, 1e18),
        Dist::weibull(1e18, 100.0),
        Dist::weibull_shape(1e6, 2e-9),
        Dist::lognormal(1e18, 100.0),
        Dist::lognormal_log(-20.0, 5.0),
        Dist::hyperexponential(1e18, 100.0),
        Dist::bounded_pareto(0.01, 1e-9, 1e18),
        Dist::bounded_pareto(100.0, 1e-9, 1e18),
        Dist::geometric(1e12, 1.0),
        Dist::geometric(1.0, 1.0),
        Dist::triangular(0.0, 0.0, 1e18),
        Dist::triangular(1.0, 2.0, 2.0),
        Dist::beta(0.01, 0.01, 0.0, 1e18),
        Dist::beta(1e6, 1e6, 1e18 / 2.0, 1e18),
        Dist::pert(0.0, 1e18, 1e18),
        Dist::pareto(1.01, 1e15),
        Dist::pareto_cv(1e18, 150.0),
        Dist::frechet(1.01, 1e15),
        Dist::frechet(1e4, 1e18 / 2.0),
        Dist::inverse_gaussian(1e18, 150.0),
        Dist::inverse_gaussian(1e-9, 1e-4),
        Dist::poisson(1e12, 1.0),
        Dist::poisson(1.0, 1e6),
        Dist::zipf(100_000, 0.0, 1e9),
        Dist::zipf(100_000, 100.0, 1e-9),
        Dist::zipf(1, 1.0, 1.0),
    ] {
        let dist = dist.unwrap();
        for i in 0..10_000 {
            let x = dist.sample(&stream, i);
            assert!(x.is_finite() && x >= 0.0, "{dist:?}: {x}");
        }
    }
    let one = Dist::geometric(1.0, 1.0).unwrap();
    assert!(one.is_constant() && one.sample(&stream, 3) == 1.0);
}

/// Inversion uses one word, so that a larger u never gives a smaller normal or lognormal draw.
#[test]
fn inversion_is_monotone() {
    let dist = Dist::lognormal(4e6, 0.5).unwrap();
    let stream = Stream::new(1, 0, "monotone", 0, "x");
    let mut pairs: Vec<(f64, f64)> = (0..10_000)
        .map(|i| (stream.at(i).uniform(), dist.sample(&stream, i)))
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(pairs.windows(2).all(|w| w[0].1 <= w[1].1));
    let (u, x) = pairs[5000];
    let Dist::Lognormal { mu, sigma } = dist else {
        panic!("not a lognormal distribution");
    };
    assert_eq!(x, libm::exp(mu + sigma * normal_quantile(u)));
}
