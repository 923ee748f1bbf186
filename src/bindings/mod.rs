//! The database as JavaScript sees it.
//!
//! Calls come in messages: one JSON text in UTF-8 that is an array of calls `[verb, ...arguments]`. The answer is one buffer of
//! JSON bytes, an array of results in the order of the calls:
//!
//! | result | |
//! | --- | --- |
//! | `[0]`, `[0, value]` | done |
//! | `[1, {code, message}]` | failed |
//! | `[2, task]` | goes on in slices; `[task, result]` is answered when the last one is done |
//!
//! Documents are raw JSON in both directions: their text is cut out of the message and into the answer, and parsed
//! only where an index wants a value. All writes of a message are one group: one write to the log and one flush. When
//! that fails, every call of the group gets the error, for nothing of it was kept.
//!
//! A transaction that reads has a number, from `txBegin` to `txCommit` or `txRollback`; in between its calls are
//! `["txRead", number, call]` and `["txWrite", number, call]`.
//!
//! What opens an encrypted database comes beside these messages, as bytes: [`encryption`].
//!
//! [`Service`] knows nothing of JavaScript; [`connection`] wraps it for wasm-bindgen.

mod answer;
mod blobs;
#[cfg(test)]
mod byte_tests;
mod call;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod connection;
mod cursors;
#[cfg(any(test, all(target_arch = "wasm32", target_os = "unknown")))]
mod encryption;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod salvaging;
mod service;
mod tasks;
#[cfg(test)]
mod tests;
mod transactions;
mod verbs;

use service::Service;
