//! An amount as it is written: a constant, a distribution, or a value computed from the trace row.

use crate::scenario::key::field::{Field, Key, words};
use crate::scenario::key::units::{PART, Quantity, RawProbability, parse};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// An amount: a constant, a distribution, or a value computed from the trace row.
#[derive(Debug, Clone)]
pub enum RawAmount<Q> {
    Constant(Q),
    Table(Box<RawDist<Q>>),
}

impl<'de, Q: Quantity + Deserialize<'de>> Deserialize<'de> for RawAmount<Q> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Amount<Q>(PhantomData<Q>);
        impl<'de, Q: Quantity + Deserialize<'de>> Visitor<'de> for Amount<Q> {
            type Value = RawAmount<Q>;
            fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
                write!(
                    out,
                    "{} such as {}, or a distribution such as {{ dist = \"exponential\", mean = … }}",
                    Q::WHAT,
                    Q::EXAMPLES
                )
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                parse(text).map(RawAmount::Constant).map_err(E::custom)
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
                self.visit_f64(value as f64)
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
                let (what, examples) = (Q::WHAT, Q::EXAMPLES);
                Err(E::custom(format!(
                    "{what} needs a unit{PART}a number without a unit{PART}write {what} in quotes, \
                     such as {examples} (here: {value} of what?)"
                )))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let dist = RawDist::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawAmount::Table(Box::new(dist)))
            }
        }
        from.deserialize_any(Amount(PhantomData))
    }
}

impl<Q: Quantity + JsonSchema> JsonSchema for RawAmount<Q> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Amount", Q::SCHEMA_NAME).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let constant = generator.subschema_for::<Q>();
        let table = generator.subschema_for::<RawDist<Q>>();
        json_schema!({
            "anyOf": [constant, table],
            "description": "A constant, a distribution, or a value computed from the trace row or the batch."
        })
    }
}

words! { RawFamily as "Family" {
    /// `value`
    Constant = "constant",
    /// `low`, `high`
    Uniform = "uniform",
    /// `mean`
    Exponential = "exponential",
    /// `mean`, `k`
    Erlang = "erlang",
    /// `mean` and `cv`, or `shape` and `scale`
    Gamma = "gamma",
    /// `mean` and `cv`, or `shape` and `scale`
    Weibull = "weibull",
    /// `mean` and `cv`, or `mu` and `sigma`
    Lognormal = "lognormal",
    /// `mean` and `cv`, or `p`, `mean1` and `mean2`
    Hyperexponential = "hyperexponential",
    /// `alpha`, `low`, `high`
    BoundedPareto = "bounded-pareto",
    /// `low`, `mode`, `high`
    Triangular = "triangular",
    /// `low`, `mode`, `high`: the beta distribution of a three-point estimate
    Pert = "pert",
    /// `alpha`, `beta`, `low`, `high`
    Beta = "beta",
    /// `alpha` and `low`, or `mean` and `alpha`, or `mean` and `cv`
    Pareto = "pareto",
    /// `alpha` and `scale`, or `mean` and `alpha`
    Frechet = "frechet",
    /// `mean`, `cv`
    InverseGaussian = "inverse-gaussian",
    /// `mean`, `unit`; from zero on
    Poisson = "poisson",
    /// `n`, `s`, `unit`: 1 to n units
    Zipf = "zipf",
    /// `mean`, `unit`; from one unit on
    Geometric = "geometric",
    /// `values` and perhaps `weights`, or `file` and `column`
    Empirical = "empirical",
}}

/// Why a distribution that other programs have cannot be named here, and what to name instead.
pub(crate) fn refused_family(name: &str) -> Option<(&'static str, &'static str)> {
    let negative = "it can be negative, and no duration or size is";
    let positive = "use `lognormal`, `gamma` or `inverse-gaussian` with the same `mean` and `cv`";
    Some(match name {
        "cauchy" | "levy" => (
            "it has no finite mean, and no run has a long-run average",
            "for a heavy tail use `bounded-pareto`, or `pareto` with `alpha` above 1",
        ),
        "normal" | "gaussian" | "gumbel" | "student-t" | "skew-normal" | "logistic" | "laplace" => {
            (negative, positive)
        }
        "chi-squared" => (
            "it is a gamma distribution",
            "with k degrees of freedom: `gamma` with `shape` = k / 2 and `scale` = 2 units",
        ),
        "zeta" => (
            "it goes on for ever, and up to s = 2 its mean is infinite",
            "use `zipf`, which ends at `n`",
        ),
        "binomial" | "hypergeometric" => (
            "counts with a largest value are written out",
            "use `empirical` with `values` and `weights`, or `poisson` where the chance is small",
        ),
        _ => return None,
    })
}

/// A distribution with its parameters; or `base` and `per` for a value computed from the trace row and
/// the number of requests in a batch; or `by_batch`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, bound = "Q: Deserialize<'de>")]
pub struct RawDist<Q> {
    pub dist: Key<RawFamily>,
    pub value: Key<Q>,
    pub mean: Key<Q>,
    pub cv: Key<f64>,
    pub low: Key<Q>,
    pub high: Key<Q>,
    pub k: Key<u64>,
    pub shape: Key<f64>,
    pub scale: Key<Q>,
    pub mu: Key<f64>,
    pub sigma: Key<f64>,
    pub p: Key<RawProbability>,
    pub mean1: Key<Q>,
    pub mean2: Key<Q>,
    pub alpha: Key<f64>,
    pub beta: Key<f64>,
    pub mode: Key<Q>,
    pub n: Key<u64>,
    pub s: Key<f64>,
    pub unit: Key<Q>,
    pub values: Key<Vec<Field<Q>>>,
    pub weights: Key<Vec<Field<u64>>>,
    pub file: Key<String>,
    pub column: Key<String>,
    pub base: Key<Q>,
    pub per: Key<BTreeMap<String, Field<Q>>>,
    pub by_batch: Key<BTreeMap<String, Field<Q>>>,
}

impl<Q: Quantity + JsonSchema> JsonSchema for RawDist<Q> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Distribution", Q::SCHEMA_NAME).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let quantity = generator.subschema_for::<Q>();
        let family = generator.subschema_for::<RawFamily>();
        let fraction = generator.subschema_for::<RawProbability>();
        json_schema!({
            "type": "object",
            "description": "A distribution with the parameters of its family; or `base` and `per` \
                            (column to coefficient, `item` for each request of a batch), or \
                            `by_batch`.",
            "additionalProperties": false,
            "properties": {
                "dist": family,
                "value": quantity, "mean": quantity, "low": quantity, "high": quantity,
                "scale": quantity, "mean1": quantity, "mean2": quantity, "unit": quantity,
                "cv": { "type": "number", "description": "Standard deviation over mean." },
                "k": { "type": "integer", "minimum": 1 },
                "shape": { "type": "number" },
                "mu": { "type": "number", "description":
                    "Mean of the natural logarithm of the value in nanoseconds or bytes." },
                "sigma": { "type": "number", "description": "Standard deviation of that logarithm." },
                "p": fraction,
                "alpha": { "type": "number" },
                "beta": { "type": "number" },
                "mode": quantity,
                "n": { "type": "integer", "minimum": 1 },
                "s": { "type": "number" },
                "values": { "type": "array", "items": quantity },
                "weights": { "type": "array", "items": { "type": "integer", "minimum": 0 } },
                "file": { "type": "string", "description": "CSV file, relative to the scenario." },
                "column": { "type": "string", "description": "Its column, in nanoseconds or bytes." },
                "base": quantity,
                "per": { "type": "object", "additionalProperties": quantity },
                "by_batch": { "type": "object", "additionalProperties": quantity, "description":
                    "A value for some numbers of requests in a batch, linear between them." }
            }
        })
    }
}
