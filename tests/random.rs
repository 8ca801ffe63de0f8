//! Random streams and distributions: known answers, independence, golden draws, fit.

use num_traits::Float;
use rand::Rng;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use warpshare::engine::random::{Draws, Stream, philox4x32_10};
use warpshare::engine::time::LONGEST;
use warpshare::stats::normal::{normal_cdf, normal_quantile};
use warpshare::stats::special::{chi_square_tail, incomplete_gamma};
use warpshare::workload::dist::{Dist, DistError, Real};

fn vectors() -> Value {
    serde_json::from_str(include_str!("data/stats_vectors.json")).unwrap()
}

fn square(x: f64) -> f64 {
    x * x
}

fn hex32(value: &Value) -> u32 {
    u32::from_str_radix(value.as_str().unwrap(), 16).unwrap()
}

#[test]
fn philox_known_answers() {
    let vectors = vectors();
    let cases = vectors["philox4x32_10"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let counter = std::array::from_fn(|i| hex32(&case["counter"][i]));
        let key = std::array::from_fn(|i| hex32(&case["key"][i]));
        let out: [u32; 4] = std::array::from_fn(|i| hex32(&case["out"][i]));
        assert_eq!(philox4x32_10(counter, key), out);
    }
}

/// The key hash and the layout of the counter, against an independent implementation (Python
/// integers, written from the module's text).
#[test]
fn key_and_words_known_answers() {
    let golden = [
        (
            0,
            0,
            "",
            0,
            "",
            0x059a_ba4c_36c9_f256,
            [
                0x70dc_a158_53f2_fdfd,
                0x1552_3678_1167_6dac,
                0xc5f0_8d62_a425_e65c,
                0xc403_39ea_7185_3dad,
                0x5d1c_4de8_ecf6_81b3,
            ],
        ),
        (
            1,
            0,
            "desktop",
            3,
            "size",
            0xd863_39cf_c147_bbf6,
            [
                0x235e_dec9_ea1d_06b3,
                0xcd7c_9140_a2c3_077d,
                0xf88c_094a_a04c_87f5,
                0xe957_1e67_d657_f74c,
                0x7edb_1637_04c8_d43d,
            ],
        ),
        (
            u64::MAX,
            29,
            "grüße-vm",
            47,
            "interarrival",
            0xde2e_b4e5_9afe_8b10,
            [
                0x79bd_b841_f9cf_b9c6,
                0x2042_2b4b_9222_3fa8,
                0xad1e_71ad_0c8f_b614,
                0xe3f9_29f0_8690_411b,
                0xab49_a5c3_b14f_3391,
            ],
        ),
    ];
    for (seed, replication, entity, ordinal, purpose, key, words) in golden {
        let stream = Stream::new(seed, replication, entity, ordinal, purpose);
        assert_eq!(stream.key(), key, "{entity}");
        let mut draws = stream.at(0x1_0000_0007);
        for word in words {
            assert_eq!(draws.next_u64(), word, "{entity}");
        }
    }
}

#[test]
fn rand_traits_read_the_same_words() {
    let stream = Stream::new(3, 1, "guest", 0, "test");
    let mut words = stream.at(9);
    let words: [u64; 4] = std::array::from_fn(|_| words.word());
    let mut mixed = stream.at(9);
    assert_eq!(mixed.next_u32(), (words[0] >> 32) as u32);
    assert_eq!(mixed.next_u64(), words[1]);
    let mut bytes = [0; 12];
    mixed.fill_bytes(&mut bytes);
    assert_eq!(bytes[..8], words[2].to_le_bytes());
    assert_eq!(bytes[8..], words[3].to_le_bytes()[..4]);
}

#[test]
fn exponential_by_inversion_of_midpoints() {
    let vectors = vectors();
    let items = vectors["exponential_inversion"]["items"]
        .as_array()
        .unwrap();
    assert_eq!(items.len(), 6);
    for item in items {
        let k = item["k"].as_u64().unwrap();
        let u = Draws::uniform_of_word(k << 12 | 0xABC);
        assert_eq!(u, hex_float(&item["u_hex"]));
        // The reference is rounded correctly; libm promises the neighbour at worst.
        let (got, want) = (-libm::log(u), hex_float(&item["hex"]));
        assert!(
            got.to_bits().abs_diff(want.to_bits()) <= 1,
            "k = {k}: {got:?}"
        );
        assert!((want - item["value"].as_f64().unwrap()).abs() <= 1e-15 * want);
    }
}

/// C's notation `0x1.8p-3`, normal numbers only.
fn hex_float(value: &Value) -> f64 {
    let text = value.as_str().unwrap().strip_prefix("0x1.").unwrap();
    let (fraction, exponent) = text.split_once('p').unwrap();
    assert_eq!(fraction.len(), 13);
    let exponent: i64 = exponent.parse().unwrap();
    let fraction = u64::from_str_radix(fraction, 16).unwrap();
    f64::from_bits(((exponent + 1023) as u64) << 52 | fraction)
}

/// A guest's draws are the same whoever else is there and in whatever order all of them ask.
#[test]
fn draws_depend_on_nothing_but_name_and_index() {
    let size = Dist::gamma(1e6, 2.0).unwrap();
    let alone: Vec<f64> = {
        let stream = Stream::new(11, 2, "b", 1, "size");
        (0..500).map(|i| size.sample(&stream, i)).collect()
    };
    for others in [&[][..], &["a", "c"], &["c", "zz", "a"]] {
        let mut guests: Vec<Stream> = Vec::new();
        guests.extend(
            others
                .iter()
                .map(|name| Stream::new(11, 2, name, 1, "size")),
        );
        guests.push(Stream::new(11, 2, "b", 1, "size"));
        let mut seen = vec![0.0; 500];
        // Backwards, interleaved, each index asked for twice.
        for i in (0..500u64).rev() {
            for guest in guests.iter().chain(&guests) {
                seen[i as usize] = size.sample(guest, i);
            }
        }
        assert_eq!(seen, alone);
    }
}

#[test]
fn every_part_of_the_identity_counts() {
    let mut keys = BTreeSet::new();
    let mut made = 0;
    for seed in [0, 1, 2, u64::MAX] {
        for replication in 0..10 {
            for ordinal in 0..10 {
                for entity in [
                    "",
                    "a",
                    "b",
                    "ab",
                    "aab",
                    "desktop",
                    "desktop-2",
                    "desktop2",
                ] {
                    for purpose in ["", "a", "b", "ba", "size", "think", "interarrival"] {
                        keys.insert(Stream::new(seed, replication, entity, ordinal, purpose).key());
                        made += 1;
                    }
                }
            }
        }
    }
    assert_eq!(keys.len(), made);
    // Bytes that fill a word with zeros are not the end of the text.
    let key = |entity| Stream::new(1, 0, entity, 0, "x").key();
    assert_ne!(key("a"), key("a\0"));
}

/// |correlation| of uniforms ≤ 4/√n; a correct generator exceeds that for 6 of 100,000 seeds.
#[test]
fn neighbouring_streams_are_uncorrelated() {
    let n = 100_000u64;
    let base = Stream::new(1, 0, "guest", 0, "size");
    let series = |stream: Stream, shift: u64| -> Vec<f64> {
        (0..n)
            .map(|i| stream.at(i + shift).uniform() - 0.5)
            .collect()
    };
    let first = series(base, 0);
    let second_words: Vec<f64> = (0..n)
        .map(|i| {
            let mut draws = base.at(i);
            draws.word();
            draws.uniform() - 0.5
        })
        .collect();
    let others = [
        (
            "next seed",
            series(Stream::new(2, 0, "guest", 0, "size"), 0),
        ),
        (
            "next replication",
            series(Stream::new(1, 1, "guest", 0, "size"), 0),
        ),
        (
            "next ordinal",
            series(Stream::new(1, 0, "guest", 1, "size"), 0),
        ),
        (
            "name with one bit changed",
            series(Stream::new(1, 0, "guesu", 0, "size"), 0),
        ),
        (
            "other purpose",
            series(Stream::new(1, 0, "guest", 0, "think"), 0),
        ),
        ("next key", series(Stream::from_key(base.key() + 1), 0)),
        (
            "top bit of the key",
            series(Stream::from_key(base.key() ^ 1 << 63), 0),
        ),
        ("next index", series(base, 1)),
        ("second word", second_words),
    ];
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    for (what, other) in others {
        let r = dot(&first, &other) / (dot(&first, &first) * dot(&other, &other)).sqrt();
        assert!(r.abs() < 4.0 / (n as f64).sqrt(), "{what}: {r}");
    }
}

/// Chi-square of 16-bit words, p in [1e-4, 1 − 1e-4]: a correct generator fails for 2 of 10,000
/// seeds in each of the three orders.
#[test]
fn sixteen_bit_words_are_uniform() {
    let n = 1 << 20;
    let stream = |ordinal| Stream::new(5, 0, "guest", ordinal, "size");
    let mut within = stream(0).at(0);
    let orders: [(&str, Vec<u64>); 3] = [
        ("by index", (0..n).map(|i| stream(0).at(i).word()).collect()),
        ("within a variate", (0..n).map(|_| within.word()).collect()),
        (
            "by key",
            (0..n as u32).map(|i| stream(i).at(0).word()).collect(),
        ),
    ];
    for (what, words) in orders {
        let mut counts = vec![0u32; 1 << 16];
        for word in words {
            for part in 0..4 {
                counts[(word >> (16 * part)) as u16 as usize] += 1;
            }
        }
        let expected = 4.0 * n as f64 / 65_536.0;
        let chi2 = counts
            .iter()
            .map(|&c| square(f64::from(c) - expected) / expected);
        let p = chi_square_tail(chi2.sum(), 65_535.0);
        assert!((1e-4..=1.0 - 1e-4).contains(&p), "{what}: p = {p}");
    }
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
/// 10,000 seeds, any of the twelve for 24 of 10,000. A shift of the distribution function by
/// 0.005 anywhere is found with near certainty.
#[test]
fn draws_fit_their_distribution() {
    let n = 300_000;
    for (name, dist) in families() {
        if matches!(dist, Dist::Geometric { .. } | Dist::Empirical { .. }) {
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
    for (name, dist) in families() {
        let cells = match dist {
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
            let tail = 1.0 - cdf(&dist, x);
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
            "lognormal: `cv` is 0, but must be at least 1e-4 and at most 100; \
             without variation it is a constant",
        ),
        (
            Dist::hyperexponential(1.0, 0.5),
            "hyperexponential: `cv` is 0.5, but must be at least 1 and at most 100; \
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
