//! Shapes of decoder-only transformers, and those that are built in (`data/llm_models.csv`).

use std::sync::LazyLock;

/// Bytes of a weight or of a cached value in half precision.
const HALF: u64 = 2;

/// The shape of a model in half precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    pub layers: u32,
    /// Width of the residual stream.
    pub hidden: u32,
    /// Width inside the feed-forward part.
    pub intermediate: u32,
    /// Attention heads of the queries.
    pub heads: u32,
    /// Heads of keys and values: fewer than `heads` with grouped queries.
    pub kv_heads: u32,
    pub head_dim: u32,
    pub vocabulary: u32,
    /// Tokens of a prompt and its answer that the model was made for at most.
    pub context: u32,
    /// Whether the feed-forward part has a gate beside the way up.
    pub gated: bool,
    /// Whether one matrix serves as embedding and as output.
    pub tied: bool,
}

impl Model {
    /// Width of the queries.
    pub fn query_width(&self) -> u64 {
        u64::from(self.heads) * u64::from(self.head_dim)
    }

    /// Width of the keys, and of the values.
    pub fn key_width(&self) -> u64 {
        u64::from(self.kv_heads) * u64::from(self.head_dim)
    }

    /// Width of what the first matrix of the feed-forward part makes.
    pub fn up_width(&self) -> u64 {
        u64::from(self.intermediate) * if self.gated { 2 } else { 1 }
    }

    /// Number of parameters.
    pub fn parameters(&self) -> u64 {
        let hidden = u64::from(self.hidden);
        let attention =
            hidden * (self.query_width() + 2 * self.key_width()) + self.query_width() * hidden;
        let feed_forward = hidden * self.up_width() + u64::from(self.intermediate) * hidden;
        let norms = 2 * hidden;
        let tables = if self.tied { 1 } else { 2 } * u64::from(self.vocabulary) * hidden;
        u64::from(self.layers) * (attention + feed_forward + norms) + tables + hidden
    }

    /// Bytes of the weights.
    pub fn weights(&self) -> u64 {
        self.parameters() * HALF
    }

    /// Bytes of keys and values that a token leaves in the cache.
    pub fn cache_per_token(&self) -> u64 {
        u64::from(self.layers) * 2 * self.key_width() * HALF
    }
}

/// A model that is built in.
#[derive(Debug, Clone)]
pub struct Known {
    pub id: String,
    pub model: Model,
    /// Parameters as published.
    pub parameters: u64,
    pub source: String,
}

/// The built-in models, in the order of the table.
pub static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let table = include_str!("../../../data/llm_models.csv");
    table.lines().skip(1).filter_map(read).collect()
});

/// A row of the table; a test checks that every one can be read.
fn read(line: &str) -> Option<Known> {
    let cells: Vec<&str> = line.split(',').collect();
    let [
        id,
        layers,
        hidden,
        intermediate,
        heads,
        kv_heads,
        head_dim,
        vocabulary,
        context,
        gated,
        tied,
        parameters,
        source,
    ] = cells[..]
    else {
        return None;
    };
    Some(Known {
        id: id.to_owned(),
        model: Model {
            layers: layers.parse().ok()?,
            hidden: hidden.parse().ok()?,
            intermediate: intermediate.parse().ok()?,
            heads: heads.parse().ok()?,
            kv_heads: kv_heads.parse().ok()?,
            head_dim: head_dim.parse().ok()?,
            vocabulary: vocabulary.parse().ok()?,
            context: context.parse().ok()?,
            gated: gated == "yes",
            tied: tied == "yes",
        },
        parameters: parameters.parse().ok()?,
        source: source.to_owned(),
    })
}

/// The built-in model of this name.
pub fn known(id: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_those_that_are_published() {
        let rows = include_str!("../../../data/llm_models.csv").lines().count() - 1;
        assert_eq!(KNOWN.len(), rows);
        for known in KNOWN.iter() {
            assert_eq!(known.model.parameters(), known.parameters, "{}", known.id);
        }
    }

    #[test]
    fn a_token_of_llama_2_7b_leaves_half_a_mebibyte() {
        let model = known("llama-2-7b").expect("built in").model;
        assert_eq!(model.cache_per_token(), 512 << 10);
        assert_eq!(
            known("llama-3-8b").map(|k| k.model.cache_per_token()),
            Some(128 << 10)
        );
    }
}
