//! Shapes of decoder-only transformers, and those that are built in (`data/llm_models.csv`).

use serde::Deserialize;

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

/// The built-in model of this name.
///
/// # Errors
/// There is none, or the table cannot be read.
pub fn known(id: &str) -> Result<Known, String> {
    let found = built_in()?.into_iter().find(|known| known.id == id);
    found.ok_or_else(|| format!("no model `{id}` is built in"))
}

/// A row of the table.
#[derive(Deserialize)]
struct Row {
    id: String,
    layers: u32,
    hidden: u32,
    intermediate: u32,
    heads: u32,
    kv_heads: u32,
    head_dim: u32,
    vocabulary: u32,
    context: u32,
    gated: String,
    tied: String,
    parameters: u64,
    source: String,
}

/// The built-in models, in the order of the table.
///
/// # Errors
/// The place in the table that cannot be read.
pub fn built_in() -> Result<Vec<Known>, String> {
    read(include_str!("../../../data/llm_models.csv"))
}

fn read(table: &str) -> Result<Vec<Known>, String> {
    let rows = csv::Reader::from_reader(table.as_bytes()).into_deserialize();
    rows.map(|row| {
        let row: Row = row.map_err(|error| format!("llm_models.csv: {error}"))?;
        let flag = |cell: &str| match cell {
            "yes" => Ok(true),
            "no" => Ok(false),
            other => Err(format!(
                "llm_models.csv: `{}`: `{other}` is neither `yes` nor `no`",
                row.id
            )),
        };
        Ok(Known {
            model: Model {
                layers: row.layers,
                hidden: row.hidden,
                intermediate: row.intermediate,
                heads: row.heads,
                kv_heads: row.kv_heads,
                head_dim: row.head_dim,
                vocabulary: row.vocabulary,
                context: row.context,
                gated: flag(&row.gated)?,
                tied: flag(&row.tied)?,
            },
            id: row.id,
            parameters: row.parameters,
            source: row.source,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_those_that_are_published() {
        for known in built_in().expect("well formed") {
            assert_eq!(known.model.parameters(), known.parameters, "{}", known.id);
        }
    }

    #[test]
    fn a_token_of_llama_2_7b_leaves_half_a_mebibyte() {
        let per_token = |id| known(id).expect("built in").model.cache_per_token();
        assert_eq!(per_token("llama-2-7b"), 512 << 10);
        assert_eq!(per_token("llama-3-8b"), 128 << 10);
    }

    #[test]
    fn a_row_that_cannot_be_read_is_an_error_with_its_place() {
        let header = include_str!("../../../data/llm_models.csv").lines().next();
        let header = header.expect("a header");
        let short = read(&format!("{header}\na,1,2,3\n")).expect_err("columns are missing");
        assert!(short.contains("line: 2"), "{short}");
        let vague = format!("{header}\na,1,2,3,4,4,8,9,10,perhaps,no,1,none\n");
        let vague = read(&vague).expect_err("neither yes nor no");
        assert!(vague.contains("`perhaps` is neither"), "{vague}");
    }
}
