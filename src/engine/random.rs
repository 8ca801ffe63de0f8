//! Random numbers as pure functions: no generator is ever advanced or shared.
//!
//! A [`Stream`] is a 64-bit key derived from who draws and what for. [`Stream::at`] gives the
//! draws of one variate, by its index: word n of variate i under key k is a function of (k, i, n)
//! and of nothing else. Hence nothing depends on the order in which events ask, each variate may
//! use as many words as it likes without moving others, and adding, removing or renaming one
//! entity leaves the draws of all others as they were.
//!
//! # Generator
//!
//! Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3",
//! SC'11). Key words: low and high half of the key. Counter words: low and high half of the index,
//! then low and high half of the block number. A block is four 32-bit words r0…r3 and gives two
//! 64-bit words, r0 + 2³² r1 and then r2 + 2³² r3.
//!
//! # Key
//!
//! h starts as the domain tag, the eight ASCII bytes `wsrand01` read as a little-endian number.
//! Each of the following 64-bit words w is absorbed in turn by h ← mix((h + γ) ⊕ w), where
//! γ = 0x9E3779B97F4A7C15, + wraps, and mix is the finaliser of SplitMix64 (Steele, Lea & Flood,
//! OOPSLA 2014):
//!
//! 1. the master seed;
//! 2. the replication;
//! 3. the entity's name in UTF-8: first its length in bytes, then its bytes, eight to a word, the
//!    first one lowest, the last word filled up with zeros;
//! 4. the ordinal;
//! 5. the purpose, like the name.
//!
//! The key is mix(h + γ) after the last word. Two streams collide with probability 2⁻⁶⁴; among a
//! million streams the chance that any two do is below 3 · 10⁻⁸.

use rand::TryRng;
use rand::rand_core::utils::fill_bytes_via_next_word;
use std::convert::Infallible;

/// 2⁶⁴ divided by the golden ratio, odd: the increment of SplitMix64.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Names this use of the hash; the number would change with the scheme.
const DOMAIN: u64 = u64::from_le_bytes(*b"wsrand01");

/// The finaliser of SplitMix64: a bijection on 64 bits.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn absorb(h: u64, word: u64) -> u64 {
    mix(h.wrapping_add(GOLDEN) ^ word)
}

fn absorb_text(mut h: u64, text: &str) -> u64 {
    h = absorb(h, text.len() as u64);
    for chunk in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        h = absorb(h, u64::from_le_bytes(word));
    }
    h
}

/// One block of Philox4x32-10.
///
/// ```
/// use warpshare_model::engine::random::philox4x32_10;
/// // Known answer from the distribution of Random123.
/// let out = philox4x32_10([0; 4], [0; 2]);
/// assert_eq!(out, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
/// ```
#[inline]
pub const fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    let mut round = 0;
    while round < 10 {
        let p0 = 0xD251_1F53_u64 * c0 as u64;
        let p1 = 0xCD9E_8D57_u64 * c2 as u64;
        c0 = (p1 >> 32) as u32 ^ c1 ^ k0;
        c1 = p1 as u32;
        c2 = (p0 >> 32) as u32 ^ c3 ^ k1;
        c3 = p0 as u32;
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
        round += 1;
    }
    [c0, c1, c2, c3]
}

/// The two words of block `number` of variate `index`. One copy for all samplers; arguments and
/// result fit in registers.
#[inline(never)]
fn block(key: u64, index: u64, number: u64) -> (u64, u64) {
    let low_high = |w: u64| [w as u32, (w >> 32) as u32];
    let ([i0, i1], [n0, n1]) = (low_high(index), low_high(number));
    let [r0, r1, r2, r3] = philox4x32_10([i0, i1, n0, n1], low_high(key));
    (
        u64::from(r0) | u64::from(r1) << 32,
        u64::from(r2) | u64::from(r3) << 32,
    )
}

/// A family of variates, one for each index. Copy it freely: it has no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    key: u64,
}

impl Stream {
    /// The stream of one purpose of one entity in one replication of a run with this seed.
    ///
    /// `entity` is a stable name, never a position; `ordinal` numbers the members of a group under
    /// one name. See the module's text for the hash.
    pub fn new(seed: u64, replication: u32, entity: &str, ordinal: u32, purpose: &str) -> Stream {
        let mut h = absorb(DOMAIN, seed);
        h = absorb(h, u64::from(replication));
        h = absorb_text(h, entity);
        h = absorb(h, u64::from(ordinal));
        h = absorb_text(h, purpose);
        Stream::from_key(mix(h.wrapping_add(GOLDEN)))
    }

    /// The stream with this key.
    pub const fn from_key(key: u64) -> Stream {
        Stream { key }
    }

    /// The 64-bit key.
    pub const fn key(&self) -> u64 {
        self.key
    }

    /// The random words of variate `index`, from the first one on.
    #[inline]
    pub const fn at(&self, index: u64) -> Draws {
        Draws {
            key: self.key,
            index,
            block: 0,
            spare: None,
        }
    }
}

/// The random words of one variate: an iterator through its own space of 2⁶⁵ words.
///
/// Implements the core trait of `rand` (`TryRng` without errors, hence `Rng`), so that any sampler
/// of `rand_distr` can draw from it.
#[derive(Debug, Clone)]
pub struct Draws {
    key: u64,
    index: u64,
    block: u64,
    spare: Option<u64>,
}

impl Draws {
    /// The next 64 random bits.
    // Always inlined, so that a variate of one word keeps everything in registers and never stores
    // the second half of its block.
    #[inline(always)]
    pub fn word(&mut self) -> u64 {
        if let Some(word) = self.spare.take() {
            return word;
        }
        let (first, second) = block(self.key, self.index, self.block);
        // The space of one variate cannot be exhausted; wrapping only spares a check.
        self.block = self.block.wrapping_add(1);
        self.spare = Some(second);
        first
    }

    /// A number between 0 and 1, never either: (k + 1/2) · 2⁻⁵² with the upper 52 bits k of the
    /// next word. Exact in an f64, and symmetric: 1 − u is another such number.
    #[inline(always)]
    pub fn uniform(&mut self) -> f64 {
        Draws::uniform_of_word(self.word())
    }

    /// The number that [`uniform`](Draws::uniform) makes of a word.
    #[inline]
    pub fn uniform_of_word(word: u64) -> f64 {
        unit_interval(word >> 12)
    }
}

/// (k + 1/2) · 2⁻⁵² for k < 2⁵².
#[inline]
fn unit_interval(k: u64) -> f64 {
    const STEP: f64 = 1.0 / (1u64 << 52) as f64;
    (k as f64 + 0.5) * STEP
}

impl TryRng for Draws {
    type Error = Infallible;

    /// The upper half of the next 64-bit word; its lower half is dropped, so that word n stays
    /// word n whatever widths were asked for before.
    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.word() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.word())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill_bytes_via_next_word(bytes, || self.try_next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_interval_is_exact_open_and_symmetric() {
        let last = (1u64 << 52) - 1;
        assert_eq!(unit_interval(0).to_bits(), 0x3CA0_0000_0000_0000); // 2^-53
        assert_eq!(unit_interval(last), 1.0 - f64::EPSILON / 2.0);
        for k in [0, 1, 123_456_789, 1 << 51, last - 1, last] {
            assert_eq!(1.0 - unit_interval(k), unit_interval(last - k));
        }
    }

    #[test]
    fn mix_is_the_finaliser_of_splitmix64() {
        let text = include_str!("../../tests/data/stats_vectors.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        let cases = vectors["splitmix64"].as_array().unwrap();
        assert_eq!(cases.len(), 3);
        for case in cases {
            let mut state = case["seed"].as_u64().unwrap();
            let outputs = case["out"].as_array().unwrap();
            assert_eq!(outputs.len(), 3);
            for output in outputs {
                state = state.wrapping_add(GOLDEN);
                let want = u64::from_str_radix(output.as_str().unwrap(), 16).unwrap();
                assert_eq!(mix(state), want);
            }
        }
    }
}
