//! Operations that store and delete documents.

use crate::documents::{Result, Transaction};
use crate::fs::File;
use crate::service::answer::Answer;
use crate::service::call::Call;
use crate::service::call::Text;
use crate::service::execution::Execution;
use crate::service::transaction_write::TransactionWrite;
use serde_json::value::RawValue;

/// Stores a document.
#[inline(never)]
pub(crate) fn set<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.named_mut(&call.collection).set_raw(&call.key()?, call.raw(1)?)?)
}

/// Stores a document with a time to live.
#[inline(never)]
pub(crate) fn set_ex<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.named_mut(&call.collection).set_ex_json(&call.key()?, call.json(1)?, call.ttl(2)?)?)
}

/// Stores a document under conditions.
#[inline(never)]
pub(crate) fn set_with<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let options = call.set_options()?;
    answer.value(&at.database.named_mut(&call.collection).set_json_with(&call.key()?, call.json(1)?, options)?)
}

/// Stores bytes.
#[inline(never)]
pub(crate) fn set_bytes<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let (bytes, options) = (at.attachments.of(call, 1)?, call.set_options()?);
    answer.value(&at.database.named_mut(&call.collection).set_bytes_with(&call.key()?, bytes, options)?)
}

/// Stores several documents with one commit.
#[inline(never)]
pub(crate) fn set_many<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let ttl = call.optional(1).map(|_| call.ttl(1)).transpose()?;
    let pairs: Vec<(Text<'_>, &RawValue)> = call.parse(0)?;
    let transaction =
        pairs.into_iter().try_fold(Transaction::new().named(&call.collection), |transaction, (key, json)| {
            transaction.set_raw(&key.0, json, ttl)
        })?;
    answer.value(&at.database.commit(transaction)?)
}

/// Commits several writes.
#[inline(never)]
pub(crate) fn commit<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let writes: Vec<TransactionWrite<'_>> = call.parse(0)?;
    let transaction = writes
        .into_iter()
        .try_fold(Transaction::new(), |transaction, write| write.add_to(transaction, &at.attachments))?;
    answer.value(&at.database.commit(transaction)?)
}

/// Deletes a document.
#[inline(never)]
pub(crate) fn delete<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.named_mut(&call.collection).delete(&call.key()?)?)
}

/// Deletes the documents in a range.
#[inline(never)]
pub(crate) fn delete_range<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.named_mut(&call.collection).delete_range(&call.range()?)?)
}

/// Sets the time to live of a document.
#[inline(never)]
pub(crate) fn expire<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.named_mut(&call.collection).expire(&call.key()?, call.ttl(1)?)?)
}

/// Removes the time to live of a document.
#[inline(never)]
pub(crate) fn persist<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.named_mut(&call.collection).persist(&call.key()?)?)
}
