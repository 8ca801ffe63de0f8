//! A key of a table: its value, and where in the text it stands.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_spanned::Spanned;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// A value and the bytes of the file that it was read from.
#[derive(Debug, Clone)]
pub struct Field<T> {
    pub value: T,
    pub span: Range<usize>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(from)?;
        let span = spanned.span();
        let value = spanned.into_inner();
        Ok(Field { value, span })
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// An optional key.
pub type Key<T> = Option<Field<T>>;
/// A table of named entries.
pub type Named<T> = BTreeMap<String, Field<T>>;

pub(crate) fn at<T>(value: T, span: &Range<usize>) -> Field<T> {
    let span = span.clone();
    Field { value, span }
}

/// A string or a number: the value of an assumption.
#[derive(Debug, Clone, PartialEq)]
pub struct RawScalar(pub String);

impl<'de> Deserialize<'de> for RawScalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl serde::de::Visitor<'_> for Scalar {
            type Value = RawScalar;
            fn expecting(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
                out.write_str("a string or a number")
            }
            fn visit_str<E>(self, text: &str) -> Result<RawScalar, E> {
                Ok(RawScalar(text.into()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<RawScalar, E> {
                Ok(RawScalar(value.to_string()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<RawScalar, E> {
                Ok(RawScalar(value.to_string()))
            }
        }
        from.deserialize_any(Scalar)
    }
}

impl JsonSchema for RawScalar {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": ["string", "number"] })
    }
}

/// Words of which a key takes one, each with its meaning.
macro_rules! words {
    ($(#[$about:meta])* $name:ident as $schema:literal { $($(#[$doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
        #[schemars(rename = $schema)]
        $(#[$about])*
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant),* }

        impl $name {
            /// The word in scenario files.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }
        }
    };
}
pub(crate) use words;
