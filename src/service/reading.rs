//! From the operations that read a collection to their handlers.

use super::answer::Answer;
use super::call::Call;
use super::handlers::{lists, queries, reads};
use super::operation::{Operation, with_operations};
use crate::documents::{Collection, Database, Error, Result};
use crate::fs::File;

macro_rules! handler {
    (collection $handler:expr, $documents:ident, $call:ident, $answer:ident) => {
        $handler($documents, $call, $answer)
    };
    (execution $handler:expr, $documents:ident, $call:ident, $answer:ident) => {
        Err(unknown($call))
    };
}

macro_rules! read {
    ($($variant:ident $name:literal $grouping:ident $receipt:ident $access:ident $subject:ident $metric:tt
        $on:ident $($module:ident::$handler:ident)?;)*) => {
        /// Runs a call that reads a collection, as it is or as a snapshot shows it.
        pub(crate) fn run<F: File>(
            documents: &Collection<&Database<F>>,
            call: &Call<'_>,
            answer: &mut Answer,
        ) -> Result<()> {
            match call.operation {
                $($(Some(Operation::$variant) => handler!($on $module::$handler, documents, call, answer),)?)*
                _ => Err(unknown(call)),
            }
        }
    };
}

with_operations!(read);

/// Returns the error for an operation that does not exist, or not in this place.
#[cold]
#[inline(never)]
pub(crate) fn unknown(call: &Call<'_>) -> Error {
    Error::Unsupported { what: format!("the operation {:?}", call.name) }
}
