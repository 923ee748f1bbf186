//! The class that wasm-bindgen exports. `js/src/protocol/ferrolite.d.ts` is its declaration.

use super::encryption::{Terms, wipe_stack};
use super::files::{AnyFile, Files};
use crate::crypto::Encryption;
use crate::documents::{Database, Error, Options};
use crate::fs::Host;
use crate::service::answer::Report;
use crate::service::service::Message;
use crate::service::service::Service;
use crate::wording::json_text;
use js_sys::{Array, JSON, Object, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

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
    /// Opens `name` on `host`; without a host, in memory. Unknown options are rejected. An encrypted database takes
    /// `terms` and `secret`.
    pub async fn open(
        host: Option<Host>,
        name: String,
        options: JsValue,
        terms: JsValue,
        secret: Option<Vec<u8>>,
    ) -> Result<Connection, JsValue> {
        let options = parse_options(options, terms, secret).map_err(|error| thrown(&error))?;
        let (files, name) = Files::of(host, &name);
        let database = Database::open(&files, name, options).await;
        wipe_stack();
        Ok(Self::of(database.map_err(|error| thrown(&error))?))
    }

    /// Fails unless the database can be opened by this; without terms, unless nothing is needed for that.
    pub fn opens(&self, terms: JsValue, secret: Option<Vec<u8>>) -> Result<(), JsValue> {
        let outcome = parse_encryption(terms, secret).and_then(|encryption| self.service.opens(encryption.as_ref()));
        wipe_stack();
        outcome.map_err(|error| thrown(&error))
    }

    /// Returns the terms of letters, the messages that a closing page leaves: the file's id (16 bytes), the time up to which receipts
    /// may have been dropped (u64, milliseconds), and in an encrypted file a key for letters (32 bytes).
    #[wasm_bindgen(js_name = letterTerms)]
    pub fn letter_terms(&self) -> Result<Vec<u8>, JsValue> {
        self.service.letter_terms().map(|terms| terms.to_vec()).map_err(|error| thrown(&error))
    }

    /// Adds a client, by an id of 16 bytes, and returns its number. A client in the thread of the engine has an empty id. The
    /// first client has the number 0.
    pub fn join(&mut self, id: &[u8], is_read_only: bool) -> Result<u32, JsValue> {
        if id.is_empty() {
            return Ok(self.service.join_locally(is_read_only));
        }
        let id = id.try_into().map_err(|_| thrown(&invalid("a client's id has 16 bytes")))?;
        Ok(self.service.join(id, is_read_only))
    }

    /// Removes a client, and releases everything that it has open.
    pub fn leave(&mut self, client: u32) {
        self.service.leave(client);
    }

    /// Answers a message of calls, JSON in UTF-8: it comes as bytes, because the string's way through JavaScript is slow.
    /// `number` is that of the client's message, `is_repeated` whether another engine may have got it before. The client has
    /// the answers of all messages before `answered`.
    pub fn execute(
        &mut self,
        client: u32,
        number: f64,
        is_repeated: bool,
        answered: f64,
        message: &[u8],
    ) -> Result<Vec<u8>, JsValue> {
        let (number, answered) = (number as u64, answered as u64);
        let message = Message { client, number, is_repeated, answered, bytes: message };
        self.service.execute(message).map_err(|error| thrown(&error))
    }

    /// Answers a message without attachments, given as text. The answer is text, too, unless it is longer than `text_max` or has
    /// attachments. A typed array, which is what bytes come in, takes longer to make than a short message to answer.
    pub fn ask(
        &mut self,
        client: u32,
        number: f64,
        is_repeated: bool,
        answered: f64,
        message: &str,
        text_max: f64,
    ) -> Result<JsValue, JsValue> {
        let answer = self.execute(client, number, is_repeated, answered, message.as_bytes())?;
        let is_short = answer.len() as f64 <= text_max && !answer.contains(&0);
        Ok(match std::str::from_utf8(&answer) {
            Ok(text) if is_short => JsValue::from_str(text),
            _ => Uint8Array::from(&answer[..]).into(),
        })
    }

    /// True if calls that were answered as pending wait for their next slice.
    #[wasm_bindgen(js_name = hasTasks)]
    pub fn has_tasks(&self) -> bool {
        self.service.has_tasks()
    }

    /// Does one slice of one task; when that was its last one, whose it is, and `[task, result]` as JSON bytes.
    pub fn step(&mut self) -> Option<Array> {
        let (client, answer) = self.service.step()?;
        Some(Array::of2(&client.into(), &Uint8Array::from(&answer[..])))
    }

    /// Keeps the changes that watches need to continue at another engine. `is_successor`: watches of an earlier engine may come.
    #[wasm_bindgen(js_name = keepChanges)]
    pub fn keep_changes(&mut self, is_successor: bool) {
        self.service.keep_changes(is_successor);
    }

    /// Returns, of each watch of a client that waits, its number and its last delivered version, if that version has changed.
    #[wasm_bindgen(js_name = watchesPassed)]
    pub fn watches_passed(&mut self, client: u32) -> Vec<f64> {
        self.service.watches_passed(client).into_iter().flat_map(|(id, passed)| [id as f64, passed as f64]).collect()
    }

    /// Does a slice of maintenance that handles about `budget_bytes`. Returns true if there is more to do.
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

    /// The next bytes of an export of a client; `undefined` behind the last ones.
    #[wasm_bindgen(js_name = exportChunk)]
    pub fn export_chunk(&mut self, client: u32, number: f64) -> Result<Option<Vec<u8>>, JsValue> {
        self.service.export_chunk(client, number as u64).map_err(|error| thrown(&error))
    }

    /// Replaces the secret that opens the database, for a client.
    #[wasm_bindgen(js_name = changeKey)]
    pub fn change_key(&mut self, client: u32, terms: JsValue, secret: Vec<u8>) -> Result<(), JsValue> {
        let encryption = parse_encryption(terms, Some(secret)).map_err(|error| thrown(&error))?;
        let encryption = encryption.ok_or_else(|| thrown(&invalid("a key is changed for another")))?;
        let outcome = self.service.change_key(client, &encryption);
        drop(encryption);
        wipe_stack();
        outcome.map_err(|error| thrown(&error))
    }

    /// Sizes and counters.
    pub fn stats(&self) -> Result<JsValue, JsValue> {
        let stats = self.service.stats().map_err(|error| thrown(&error))?;
        stats.serialize(&Serializer::json_compatible()).map_err(JsValue::from)
    }

    /// Puts all commits on the disk and closes the file.
    pub fn close(&mut self) -> Result<(), JsValue> {
        let outcome = self.service.close();
        wipe_stack();
        outcome.map_err(|error| thrown(&error))
    }
}

impl Connection {
    /// A connection to an open database.
    pub(super) fn of(database: Database<AnyFile>) -> Self {
        Self { service: Service::new(database) }
    }
}

/// The options, and the encryption beside them.
pub(super) fn parse_options(
    options: JsValue,
    terms: JsValue,
    secret: Option<Vec<u8>>,
) -> crate::documents::Result<Options> {
    let encryption = parse_encryption(terms, secret)?;
    Ok(Options { encryption, ..parse_plain(&options)? })
}

/// The encryption of `secret` by its terms; none without terms.
fn parse_encryption(terms: JsValue, secret: Option<Vec<u8>>) -> crate::documents::Result<Option<Encryption>> {
    // First of all, so that it becomes zero whatever comes.
    let secret = Zeroizing::new(secret.unwrap_or_default());
    if terms.is_undefined() {
        return Ok(None);
    }
    parse_object::<Terms>(terms)?.with(secret).map(Some)
}

/// An object of JavaScript whose fields are all JSON, by way of its text: what reads JSON is there already when a program begins.
fn parse_plain<T: DeserializeOwned>(object: &JsValue) -> crate::documents::Result<T> {
    let not_plain = || invalid("they are an object, by name, of what JSON can carry");
    let text = JSON::stringify(object).ok().and_then(|text| text.as_string()).ok_or_else(not_plain)?;
    // JSON leaves them out.
    let is_function = |entry: JsValue| entry.unchecked_ref::<Array>().get(1).is_function();
    if !text.starts_with('{') || Object::entries(object.unchecked_ref::<Object>()).iter().any(is_function) {
        return Err(not_plain());
    }
    serde_json::from_str(&text).map_err(|error| invalid(&json_text(&text, &error)))
}

/// An object of JavaScript, by way of a JSON value: read straight into a struct, fields that it does not have would be
/// ignored.
#[inline(never)]
fn parse_object<T: DeserializeOwned>(object: JsValue) -> crate::documents::Result<T> {
    let value: Value =
        serde_wasm_bindgen::from_value(object).map_err(|_| invalid("they must be of what JSON can carry"))?;
    if !value.is_object() {
        return Err(invalid("they are an object, by name"));
    }
    serde_json::from_value(value).map_err(|error| invalid(&json_text("", &error)))
}

fn invalid(reason: &str) -> Error {
    Error::InvalidOptions { reason: reason.to_owned() }
}

/// An error as JavaScript gets it.
pub(super) fn thrown(error: &Error) -> JsValue {
    let report = Report::of(error).serialize(&Serializer::json_compatible());
    report.unwrap_or_else(|_| JsValue::from_str(&error.to_string()))
}
