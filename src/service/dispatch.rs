//! From operations to their handlers. Each `match` names every operation: one without a handler does not compile.

use super::answer::Answer;
use super::call::Call;
use super::execution::Execution;
use super::handlers::{barriers, blobs, lists, opened, updates, writes};
use super::operation::Operation;
use super::reading::{self, unknown};
use crate::documents::Result;
use crate::fs::File;

/// Runs a call and writes its result.
pub(crate) fn run<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let Some(operation) = call.operation else { return Err(unknown(call)) };
    let handler = match operation {
        Operation::Collections => barriers::collections,
        Operation::Indexes => barriers::indexes,
        Operation::Set => writes::set,
        Operation::SetEx => writes::set_ex,
        Operation::SetWith => writes::set_with,
        Operation::SetBytes => writes::set_bytes,
        Operation::SetMany => writes::set_many,
        Operation::Commit => writes::commit,
        Operation::Delete => writes::delete,
        Operation::DeleteRange => writes::delete_range,
        Operation::Expire => writes::expire,
        Operation::Persist => writes::persist,
        Operation::Increment => updates::increment,
        Operation::CompareAndSwap => updates::compare_and_swap,
        Operation::GetAndSet => updates::get_and_set,
        Operation::Rename => updates::rename,
        Operation::Patch => updates::patch,
        Operation::MergePatch => updates::merge_patch,
        Operation::Push => lists::push,
        Operation::Pop => lists::pop,
        Operation::Trim => lists::trim,
        Operation::ListSet => lists::set,
        Operation::CreateIndex => barriers::create_index,
        Operation::DropIndex => barriers::drop_index,
        Operation::DropCollection => barriers::drop_collection,
        Operation::Flush => barriers::flush,
        Operation::Compact => barriers::compact,
        Operation::RotateKey => barriers::rotate_key,
        Operation::Cancel => barriers::cancel,
        Operation::Check => barriers::check,
        Operation::ScanOpen => opened::scan_open,
        Operation::ScanNext => opened::scan_next,
        Operation::ScanClose => opened::scan_close,
        Operation::SnapshotOpen => opened::snapshot_open,
        Operation::SnapshotRead => opened::snapshot_read,
        Operation::SnapshotScan => opened::snapshot_scan,
        Operation::SnapshotClose => opened::snapshot_close,
        Operation::ExportBegin => opened::export_begin,
        Operation::ExportEnd => opened::export_end,
        Operation::TxBegin => opened::tx_begin,
        Operation::TxRead => opened::tx_read,
        Operation::TxWrite => opened::tx_write,
        Operation::TxCommit => opened::tx_commit,
        Operation::TxRollback => opened::tx_rollback,
        Operation::WatchOpen => opened::watch_open,
        Operation::WatchQuery => opened::watch_query,
        Operation::WatchNext => opened::watch_next,
        Operation::WatchClose => opened::watch_close,
        Operation::BlobBegin => blobs::begin,
        Operation::BlobWrite => blobs::write,
        Operation::BlobFinish => blobs::finish,
        Operation::BlobAbort => blobs::abort,
        Operation::BlobOpen => blobs::open,
        Operation::BlobRead => blobs::read,
        Operation::BlobClose => blobs::close,
        Operation::ChangeKey | Operation::ExportChunk => return Err(unknown(call)),
        Operation::Get
        | Operation::GetDocument
        | Operation::GetMany
        | Operation::Has
        | Operation::Ttl
        | Operation::Count
        | Operation::Keys
        | Operation::Values
        | Operation::Entries
        | Operation::Find
        | Operation::FindPage
        | Operation::Query
        | Operation::FindOne
        | Operation::CountRows
        | Operation::Explain
        | Operation::Patched
        | Operation::MergePatched
        | Operation::ListLength
        | Operation::ListGet
        | Operation::ListRange => {
            return reading::run(&at.database.named(&call.collection), call, answer);
        }
    };
    handler(at, call, answer)
}
