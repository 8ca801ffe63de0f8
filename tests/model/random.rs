//! Random streams: known answers, independence, uniformity.

use rand::Rng;
use serde_json::Value;
use std::collections::BTreeSet;
use warpshare::engine::random::{Draws, Stream, philox4x32_10};
use warpshare::stats::special::chi_square_tail;
use warpshare::workload::dist::Dist;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../data/stats_vectors.json")).unwrap()
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
            .map(|&c| (f64::from(c) - expected) * (f64::from(c) - expected) / expected);
        let p = chi_square_tail(chi2.sum(), 65_535.0);
        assert!((1e-4..=1.0 - 1e-4).contains(&p), "{what}: p = {p}");
    }
}
