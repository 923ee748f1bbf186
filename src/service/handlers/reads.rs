//! Operations that read documents of a collection, as it is or as a snapshot shows it.

use crate::documents::{Collection, Database, Metric, Result, Ttl};
use crate::fs::File;
use crate::service::answer::Answer;
use crate::service::call::Call;
use crate::service::results::{document, entry, list, perhaps, value, versioned};

/// Reads the document at a key.
#[inline(never)]
pub(crate) fn get<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    document(answer, documents.get_document(&call.key()?)?)
}

/// Reads the document at a key with its version.
#[inline(never)]
pub(crate) fn get_document<F: File>(
    documents: &Collection<&Database<F>>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    versioned(answer, documents.get_document(&call.key()?)?)
}

/// Reads the documents at several keys.
#[inline(never)]
pub(crate) fn get_many<F: File>(
    documents: &Collection<&Database<F>>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    list(answer, documents.get_documents(&call.keys()?)?.into_iter().map(Ok), perhaps)
}

/// Reports whether a document exists.
#[inline(never)]
pub(crate) fn has<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&documents.has(&call.key()?)?)
}

/// Reads the remaining time to live, in milliseconds.
#[inline(never)]
pub(crate) fn ttl<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match documents.ttl(&call.key()?)? {
        Ttl::Missing => {
            answer.done();
            Ok(())
        }
        Ttl::Forever => answer.value(&()),
        Ttl::Left(left) => answer.value(&(left.as_millis() as u64)),
    }
}

/// Counts the documents in a range.
#[inline(never)]
pub(crate) fn count<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&documents.count(&call.range()?)?)
}

/// Lists the keys in a range.
#[inline(never)]
pub(crate) fn keys<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&documents.keys(&call.range()?)?)
}

/// Lists the values in a range.
#[inline(never)]
pub(crate) fn values<F: File>(
    documents: &Collection<&Database<F>>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    documents.measured(Metric::Values, || list(answer, documents.scan(&call.range()?)?, value))
}

/// Lists the keys and values in a range.
#[inline(never)]
pub(crate) fn entries<F: File>(
    documents: &Collection<&Database<F>>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    documents.measured(Metric::Entries, || list(answer, documents.scan(&call.range()?)?, entry))
}

/// Reads the document as a JSON Patch would leave it.
#[inline(never)]
pub(crate) fn patched<F: File>(
    documents: &Collection<&Database<F>>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    versioned(answer, documents.patched(&call.key()?, call.json(1)?)?)
}

/// Reads the document as a JSON Merge Patch would leave it.
#[inline(never)]
pub(crate) fn merge_patched<F: File>(
    documents: &Collection<&Database<F>>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    versioned(answer, documents.merge_patched(&call.key()?, call.json(1)?)?)
}
