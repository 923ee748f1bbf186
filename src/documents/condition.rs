//! Conditions on the value at a path.

use super::error::{Error, Result};
use serde::Serialize;
use serde_json::Value;

/// What the value at a path must be, for [`Database::find`](crate::Database::find).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    text: String,
}

impl Condition {
    /// The value equals `value`.
    ///
    /// # Errors
    /// `InvalidCondition` when `value` is not JSON.
    pub fn equals<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        let text = serde_json::to_string(value).map_err(|error| Error::invalid_condition(error.to_string()))?;
        Ok(Self { text })
    }

    /// The condition that `json` describes: an object of `gt`, `gte`, `lt`, `lte` is a range, all else equality.
    ///
    /// # Errors
    /// `InvalidCondition`.
    pub fn from_json(json: &Value) -> Result<Self> {
        Self::parse(&json.to_string())
    }

    /// The same from JSON text.
    ///
    /// # Errors
    /// `InvalidCondition`.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self { text: text.to_owned() })
    }
}
