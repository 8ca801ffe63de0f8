//! Random streams and distributions: known answers, independence, golden draws, fit.

use rand::distr::Distribution;
use rand::{Rng, RngExt};
use serde_json::Value;
use sha2::{Digest, Sha256};
use warpshare::engine::random::{Stream, philox4x32_10};
use warpshare::workload::dist::{Dist, Real};

fn vectors() -> Value {
    serde_json::from_str(include_str!("data/stats_vectors.json")).unwrap()
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
