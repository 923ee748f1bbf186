//! From the operations that read a collection to their handlers.

use super::answer::Answer;
use super::call::Call;
use super::handlers::{lists, queries, reads};
use super::operation::Operation;
use crate::documents::{Collection, Database, Error, Result};
use crate::fs::File;

/// Runs a call that reads a collection, as it is or as a snapshot shows it.
pub(crate) fn run<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let handler = match call.operation {
        Some(Operation::Get) => reads::get,
        Some(Operation::GetDocument) => reads::get_document,
        Some(Operation::GetMany) => reads::get_many,
        Some(Operation::Has) => reads::has,
        Some(Operation::Ttl) => reads::ttl,
        Some(Operation::Count) => reads::count,
        Some(Operation::Keys) => reads::keys,
        Some(Operation::Values) => reads::values,
        Some(Operation::Entries) => reads::entries,
        Some(Operation::Find) => queries::find,
        Some(Operation::FindPage) => queries::find_page,
        Some(Operation::Query) => queries::query,
        Some(Operation::FindOne) => queries::find_one,
        Some(Operation::CountRows) => queries::count_rows,
        Some(Operation::Explain) => queries::explain,
        Some(Operation::Patched) => reads::patched,
        Some(Operation::MergePatched) => reads::merge_patched,
        Some(Operation::ListLength) => lists::length,
        Some(Operation::ListGet) => lists::get,
        Some(Operation::ListRange) => lists::range,
        _ => return Err(unknown(call)),
    };
    handler(documents, call, answer)
}

/// Returns the error for an operation that does not exist, or not in this place.
#[cold]
#[inline(never)]
pub(crate) fn unknown(call: &Call<'_>) -> Error {
    Error::Unsupported { what: format!("the operation {:?}", call.name) }
}
