//! From operations to their handlers.

use super::answer::Answer;
use super::call::Call;
use super::execution::Execution;
use super::handlers::{barriers, blobs, lists, opened, updates, writes};
use super::operation::{Operation, with_operations};
use super::reading::{self, unknown};
use crate::documents::Result;
use crate::fs::File;

macro_rules! handler {
    (execution $handler:expr, $at:ident, $call:ident, $answer:ident) => {
        $handler($at, $call, $answer)
    };
    // These have gone to `reading` before.
    (collection $handler:expr, $at:ident, $call:ident, $answer:ident) => {
        Err(unknown($call))
    };
}

macro_rules! reads_collection {
    (execution $handler:ident) => {
        false
    };
    (collection $handler:ident) => {
        true
    };
}

macro_rules! dispatch {
    ($($variant:ident $name:literal $grouping:ident $receipt:ident $access:ident $subject:ident $metric:tt
        $on:ident $($module:ident::$handler:ident)?;)*) => {
        /// Runs a call and writes its result.
        pub(crate) fn run<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
            let reads_collection = match call.operation {
                $($(Some(Operation::$variant) => reads_collection!($on $handler),)?)*
                _ => false,
            };
            if reads_collection {
                return reading::run(&at.database.named(&call.collection), call, answer);
            }
            match call.operation {
                $($(Some(Operation::$variant) => handler!($on $module::$handler, at, call, answer),)?)*
                _ => Err(unknown(call)),
            }
        }
    };
}

with_operations!(dispatch);
