//! Operations on things that a client opens: scans, snapshots, exports, transactions, watches. Each has a number.

use super::transaction_reads;
use crate::documents::{Query, Result, Transaction};
use crate::fs::File;
use crate::service::answer::Answer;
use crate::service::call::Call;
use crate::service::execution::Execution;
use crate::service::reading;
use crate::service::results::done;
use crate::service::transaction_write::TransactionWrite;
use crate::service::watches::Watched;

/// Opens a scan, and writes its first page.
#[inline(never)]
pub(crate) fn scan_open<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let id = at.client.numbers.next();
    at.client.cursors.open(at.database, id, &call.collection, call.range()?, answer)
}

/// Writes the next page of a scan.
#[inline(never)]
pub(crate) fn scan_next<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.client.cursors.next(at.database, call.parse(0)?, answer)
}

/// Closes a scan.
#[inline(never)]
pub(crate) fn scan_close<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.client.cursors.close(at.database, call.parse(0)?);
    done(answer)
}

/// Takes a snapshot.
#[inline(never)]
pub(crate) fn snapshot_open<F: File>(at: &mut Execution<'_, F>, _: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.client.snapshots.open(at.database, at.client.numbers.next(), answer)
}

/// Reads from a snapshot.
#[inline(never)]
pub(crate) fn snapshot_read<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let (snapshot, call) = (at.client.snapshots.get(call.parse(0)?)?, call.parse::<Call<'_>>(1)?);
    reading::run(&at.database.named(&call.collection).at(&snapshot)?, &call, answer)
}

/// Opens a scan of a snapshot.
#[inline(never)]
pub(crate) fn snapshot_scan<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let (snapshot, call) = (at.client.snapshots.get(call.parse(0)?)?, call.parse::<Call<'_>>(1)?);
    let id = at.client.numbers.next();
    at.client.cursors.open_at(at.database, id, &call.collection, call.range()?, snapshot, answer)
}

/// Releases a snapshot.
#[inline(never)]
pub(crate) fn snapshot_close<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.client.snapshots.close(at.database, call.parse(0)?);
    done(answer)
}

/// Begins an export.
#[inline(never)]
pub(crate) fn export_begin<F: File>(at: &mut Execution<'_, F>, _: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.client.exports.begin(at.database, at.client.numbers.next(), answer)
}

/// Ends an export.
#[inline(never)]
pub(crate) fn export_end<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.client.exports.end(at.database, call.parse(0)?);
    done(answer)
}

/// Begins a transaction.
#[inline(never)]
pub(crate) fn tx_begin<F: File>(at: &mut Execution<'_, F>, _: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.client.transactions.begin(at.database, at.client.numbers.next(), answer)
}

/// Reads in a transaction.
#[inline(never)]
pub(crate) fn tx_read<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    transaction_reads::read(at.client.transactions.get(call.parse(0)?)?, at.database, &call.parse(1)?, answer)
}

/// Adds a write to a transaction.
#[inline(never)]
pub(crate) fn tx_write<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let write: TransactionWrite<'_> = call.parse(1)?;
    at.client.transactions.write(call.parse(0)?, write.add_to(Transaction::new(), &at.attachments)?)?;
    done(answer)
}

/// Commits a transaction.
#[inline(never)]
pub(crate) fn tx_commit<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.client.transactions.commit(at.database, call.parse(0)?)?)
}

/// Rolls a transaction back.
#[inline(never)]
pub(crate) fn tx_rollback<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.client.transactions.roll_back(at.database, call.parse(0)?);
    done(answer)
}

/// Opens a watch of a range of keys.
#[inline(never)]
pub(crate) fn watch_open<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let watcher = at.database.named_mut(&call.collection).watch(&call.range()?, &call.watch_options()?)?;
    at.client.watches.open(at.client.numbers.next(), Watched::Keys(Box::new(watcher)), answer)
}

/// Opens a watch of a query.
#[inline(never)]
pub(crate) fn watch_query<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let mut documents = at.database.named_mut(&call.collection);
    let query = documents.watch_query(&Query::parse(call.json(0)?)?)?;
    at.client.watches.open(at.client.numbers.next(), Watched::Query(Box::new(query)), answer)
}

/// Writes the next changes of a watch.
#[inline(never)]
pub(crate) fn watch_next<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let task = || at.client.numbers.next();
    at.client.watches.next(at.database, call.parse(0)?, task, answer)
}

/// Closes a watch.
#[inline(never)]
pub(crate) fn watch_close<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.client.ended.extend(at.client.watches.close(call.parse(0)?));
    done(answer)
}
