//! GPU time of one iteration of a serving engine: the roofline over the operators of a transformer.
//!
//! Every operator takes the longer of its arithmetic and its memory traffic, at achieved parts of the
//! board's peaks, and a launch. Matrix products of `m` rows read their weights once, whatever `m` is;
//! attention reads the cached keys and values of every request.
//!
//! Sources: 208 matrix products on an A100 and an A40 (Vidur) give the achieved parts and the launch,
//! and whole steps of LLaMA 7B and 13B on an A100 (MuxServe) check the sum: `docs/measurements.md`.
//! The number of small kernels is that of Vidur's operators: two norms, rotary embedding, activation
//! and two additions a layer.

use super::model::Model;

/// Bytes of a value in half precision.
const HALF: f64 = 2.0;
/// Kernels of a layer beside the four matrix products and attention.
const SMALL_KERNELS: f64 = 6.0;

/// What a board achieves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Device {
    /// Floating-point operations per nanosecond.
    pub flops: f64,
    /// Bytes per nanosecond.
    pub bytes: f64,
    /// Nanoseconds of each kernel beside its work.
    pub launch: f64,
}

/// What one iteration computes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Step {
    /// Tokens that go through the layers: one of each request that decodes, and chunks of prompts.
    pub tokens: u64,
    /// Requests for which a token is sampled.
    pub sampled: u64,
    /// Sum over the tokens of how many tokens each attends to, itself included.
    pub attended: f64,
    /// Sum over the requests of the tokens whose keys and values are read.
    pub cached: f64,
}

/// GPU time of an iteration alone on the whole board, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Of operators that arithmetic limits, and launches.
    pub compute: f64,
    /// Of operators that memory traffic limits.
    pub memory: f64,
}

impl Cost {
    pub fn total(&self) -> f64 {
        self.compute + self.memory
    }

    /// Adds `times` operators of this many operations and bytes.
    fn add(&mut self, device: &Device, times: f64, flops: f64, bytes: f64) {
        let (compute, memory) = (flops / device.flops, bytes / device.bytes);
        if memory > compute {
            self.memory += times * memory;
        } else {
            self.compute += times * compute;
        }
        self.compute += times * device.launch;
    }

    /// Adds `times` products of an `m × k` by a `k × n` matrix.
    fn product(&mut self, device: &Device, times: f64, [m, k, n]: [f64; 3]) {
        let bytes = HALF * (k * n + m * k + m * n);
        self.add(device, times, 2.0 * m * k * n, bytes);
    }
}

/// The cost of an iteration.
pub fn cost(model: &Model, device: &Device, step: &Step) -> Cost {
    let mut cost = Cost::default();
    let layers = f64::from(model.layers);
    let (hidden, inner) = (f64::from(model.hidden), f64::from(model.intermediate));
    let (query, key) = (model.query_width() as f64, model.key_width() as f64);
    let tokens = step.tokens as f64;
    for shape in [
        [tokens, hidden, query + 2.0 * key],
        [tokens, query, hidden],
        [tokens, hidden, model.up_width() as f64],
        [tokens, inner, hidden],
    ] {
        cost.product(device, layers, shape);
    }
    // Scores and their product with the values; queries and results pass through memory too.
    let traffic = HALF * (2.0 * key * step.cached + 2.0 * query * tokens);
    cost.add(device, layers, 4.0 * query * step.attended, traffic);
    // Two norms and two additions, rotary embedding of queries and keys, the activation.
    let widths = 2.0 * 2.0 * hidden
        + 2.0 * 3.0 * hidden
        + 2.0 * (query + key)
        + model.up_width() as f64
        + inner;
    cost.add(device, layers, 0.0, HALF * widths * tokens);
    cost.compute += layers * (SMALL_KERNELS - 1.0) * device.launch;
    let sampled = step.sampled as f64;
    if sampled > 0.0 {
        cost.product(device, 1.0, [sampled, hidden, f64::from(model.vocabulary)]);
    }
    cost
}

#[cfg(test)]
mod tests {
    use super::super::model::known;
    use super::*;

    /// A board that does 100 operations and moves one byte in a nanosecond.
    const BOARD: Device = Device {
        flops: 100.0,
        bytes: 1.0,
        launch: 0.0,
    };

    #[test]
    fn a_lone_decode_reads_every_weight_once() {
        let model = known("llama-2-7b").expect("built in").model;
        let step = Step {
            tokens: 1,
            sampled: 1,
            attended: 101.0,
            cached: 101.0,
        };
        let found = cost(&model, &BOARD, &step);
        assert_eq!(found.compute, 0.0);
        // Weights without embedding and norms, cache, and the activations, which are small.
        let norms = (2 * 32 + 1) * 4096;
        let read = model.parameters() - 32_000 * 4096 - norms;
        let bytes = 2.0 * read as f64 + 101.0 * 524_288.0;
        assert!(
            found.memory > bytes && found.memory < 1.001 * bytes,
            "{found:?}"
        );
    }

    #[test]
    fn a_long_prompt_is_arithmetic() {
        let model = known("llama-2-7b").expect("built in").model;
        let step = Step {
            tokens: 4096,
            sampled: 1,
            attended: 4096.0 * 4097.0 / 2.0,
            cached: 4096.0,
        };
        let found = cost(&model, &BOARD, &step);
        // Two operations a weight and token, and attention.
        let flops = 2.0 * 32.0 * (4.0 * 4096.0 + 3.0 * 11_008.0) * 4096.0 * 4096.0
            + 32.0 * 4.0 * 4096.0 * step.attended;
        assert_eq!(found.compute, flops / 100.0);
        assert!(found.memory < 0.05 * found.compute, "{found:?}");
    }

    #[test]
    fn every_kernel_is_launched() {
        let model = known("llama-2-7b").expect("built in").model;
        let device = Device {
            flops: f64::INFINITY,
            bytes: f64::INFINITY,
            launch: 1.0,
        };
        let step = Step {
            tokens: 1,
            sampled: 1,
            ..Step::default()
        };
        assert_eq!(cost(&model, &device, &step).total(), 32.0 * 11.0 + 1.0);
    }
}
