//! The class that wasm-bindgen exports. `js/src/ferrolite.d.ts` is its declaration.

use super::Service;
use super::answer::Report;
use super::files::{AnyFile, Files};
use crate::fs::{AccessHandle, Host, Memory};
use crate::{Database, Error, Options};
use serde::Serialize;
use serde_json::Value;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

/// An open database. Errors are thrown as `{ code, message }`; whatever else is thrown is a panic, after which the
/// module must not be used again.
#[wasm_bindgen]
pub struct Connection {
    service: Service<AnyFile>,
}

/// Lets a panic say what happened: as an exception with its message, in place of a trap without one.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_str(&panic.to_string())));
}

#[wasm_bindgen]
impl Connection {
    /// Opens `name` on `host`; without a host, in memory. Unknown options are rejected.
    pub async fn open(host: Option<Host>, name: String, options: JsValue) -> Result<Connection, JsValue> {
        let options = parse_options(options).map_err(|error| thrown(&error))?;
        let (files, name) = match &host {
            Some(host) => (Files::Host(AccessHandle::new(host.clone())), name.as_str()),
            None => (Files::Memory(Memory::new()), "memory"),
        };
        let database = Database::open(&files, name, options).await.map_err(|error| thrown(&error))?;
        Ok(Self { service: Service::new(database) })
    }

    /// Answers a message of calls, JSON in UTF-8: it comes as bytes, because the string's way through JavaScript is slow.
    pub fn execute(&mut self, message: &[u8]) -> Result<Vec<u8>, JsValue> {
        self.service.execute(message).map_err(|error| thrown(&error))
    }

    /// Whether calls that were answered as pending wait for their next slice.
    #[wasm_bindgen(js_name = hasTasks)]
    pub fn has_tasks(&self) -> bool {
        self.service.has_tasks()
    }

    /// Does one slice of one task; `[task, result]` as JSON bytes when that was its last one.
    pub fn step(&mut self) -> Option<Vec<u8>> {
        self.service.step()
    }

    /// Does a slice of maintenance that handles about so many bytes; whether there is more to do.
    pub fn maintain(&mut self, budget_bytes: usize) -> Result<bool, JsValue> {
        self.service.maintain(budget_bytes).map_err(|error| thrown(&error))
    }

    /// Milliseconds until `sync` has something to flush; `undefined` when there is nothing.
    #[wasm_bindgen(js_name = nextSync)]
    pub fn next_sync(&self) -> Option<f64> {
        self.service.next_sync().map(|wait| wait.as_millis() as f64)
    }

    /// Flushes what periodic durability has put off, if its time has come.
    pub fn sync(&mut self) -> Result<(), JsValue> {
        self.service.sync().map_err(|error| thrown(&error))
    }

    /// Sizes and counters.
    pub fn stats(&self) -> Result<JsValue, JsValue> {
        let stats = self.service.stats().map_err(|error| thrown(&error))?;
        stats.serialize(&Serializer::json_compatible()).map_err(JsValue::from)
    }

    /// Puts all commits on the disk and closes the file.
    pub fn close(&mut self) -> Result<(), JsValue> {
        self.service.close().map_err(|error| thrown(&error))
    }
}

/// The options, by way of a JSON value: read straight into a struct, fields that it does not have would be ignored.
pub(super) fn parse_options(options: JsValue) -> crate::Result<Options> {
    let invalid = |reason: String| Error::InvalidOptions { reason };
    let value: Value = serde_wasm_bindgen::from_value(options).map_err(|error| invalid(error.to_string()))?;
    if !value.is_object() {
        return Err(invalid("they are an object, by name".to_owned()));
    }
    serde_json::from_value(value).map_err(|error| invalid(error.to_string()))
}

/// An error as JavaScript gets it.
pub(super) fn thrown(error: &Error) -> JsValue {
    let report = Report::of(error).serialize(&Serializer::json_compatible());
    report.unwrap_or_else(|_| JsValue::from_str(&error.to_string()))
}
