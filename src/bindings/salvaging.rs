//! A salvage as JavaScript drives it: in slices, so that it can report progress and be cancelled.

use super::connection::{parse_options, thrown};
use super::encryption::wipe_stack;
use super::files::{AnyFile, Files};
use crate::documents::Salvage;
use crate::environment::HostEnvironment;
use crate::fs::{AccessHandle, Host};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// A salvage under way. Errors are thrown as those of `Connection`. `free` closes both files; when that comes before it
/// is done, the new database cannot be opened and is to be removed.
#[wasm_bindgen]
pub struct Salvaging {
    salvage: Salvage<AnyFile, AnyFile>,
}

#[wasm_bindgen]
impl Salvaging {
    /// Opens `name`, and creates `out` with these options. `terms` and `secret` are of both.
    pub async fn begin(
        host: Host,
        name: String,
        out: String,
        options: JsValue,
        terms: JsValue,
        secret: Option<Vec<u8>>,
    ) -> Result<Salvaging, JsValue> {
        let options = parse_options(options, terms, secret).map_err(|error| thrown(&error))?;
        let files = Files::Host(AccessHandle::new(host));
        let environment = Arc::new(HostEnvironment);
        let salvage = Salvage::begin(&files, &name, &files, &out, options, environment).await;
        wipe_stack();
        Ok(Self { salvage: salvage.map_err(|error| thrown(&error))? })
    }

    /// Does a slice of about `budget_bytes`. Returns true if it was the last slice.
    pub fn step(&mut self, budget_bytes: usize) -> Result<bool, JsValue> {
        self.salvage.step(budget_bytes).map_err(|error| thrown(&error))
    }

    /// How much is done, from 0 to 1.
    pub fn progress(&self) -> f64 {
        self.salvage.progress()
    }

    /// Reports the recovered documents and the losses.
    pub fn report(&self) -> Result<JsValue, JsValue> {
        self.salvage.report().serialize(&Serializer::json_compatible()).map_err(JsValue::from)
    }
}
