//! The database as its clients see it: messages in, answers out. Nothing here knows JavaScript.
//!
//! Calls come in messages: one JSON text in UTF-8 that is an array of calls `[verb, ...arguments]`. The answer is one buffer of
//! JSON bytes, an array of results in the order of the calls:
//!
//! | result | |
//! | --- | --- |
//! | `[0]`, `[0, value]` | done |
//! | `[1, {code, message}]` | failed |
//! | `[2, task]` | continues in slices; `[task, result]` is answered after the last slice |
//!
//! Several clients may use one database: one that is there from the beginning, and those that join, each with an id of its
//! own. Their messages are numbered, and leave [`receipts`]: who has to send one again, because the engine that it was sent to
//! is gone, gets the answer that there was, and what it writes is not written twice.
//!
//! Documents are raw JSON in both directions: their text is cut out of the message and into the answer, and parsed
//! only where an index wants a value. All writes of a message are one group: one write to the log and one flush. When
//! that fails, every call of the group gets the error, for nothing of it was kept.
//!
//! A transaction that reads has a number, from `txBegin` to `txCommit` or `txRollback`; in between its calls are
//! `["txRead", number, call]` and `["txWrite", number, call]`.
//!
//! An export has a number, too, from `exportBegin` to `exportEnd`, or to its last chunk. Chunks are bytes beside the messages.
//! A watch has a number, too, from `watchOpen` or `watchQuery` to `watchClose`. `watchNext` is answered with a batch of changes;
//! while there are none it is pending, and answered as a task is once something was committed, or has expired.
//!
//! What opens an encrypted database comes beside these messages, as bytes: `bindings::encryption`.
//!
//! [`service::Service`] is the entry; `bindings::connection` wraps it for wasm-bindgen.

pub(crate) mod answer;
pub(crate) mod blobs;
pub(crate) mod call;
pub(crate) mod client;
pub(crate) mod cursors;
mod dispatch;
mod execution;
pub(crate) mod exports;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod group;
mod handlers;
mod numbers;
mod operation;
mod reading;
pub(crate) mod receipts;
mod results;
#[expect(clippy::module_inception, reason = "the type that the folder is about")]
pub(crate) mod service;
pub(crate) mod snapshots;
pub(crate) mod tasks;
#[cfg(test)]
pub(crate) mod tests;
mod transaction_write;
pub(crate) mod transactions;
pub(crate) mod watches;
