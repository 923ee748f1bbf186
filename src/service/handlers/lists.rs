//! Operations on lists.

use crate::documents::{Collection, Database, Result};
use crate::fs::File;
use crate::service::answer::Answer;
use crate::service::call::Call;
use crate::service::execution::Execution;
use crate::service::results::{element, list, one};
use serde_json::value::RawValue;

/// Reads the length of a list.
#[inline(never)]
pub(crate) fn length<F: File>(
    documents: &Collection<&Database<F>>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    answer.value(&documents.list_length(&call.key()?)?)
}

/// Reads one element.
#[inline(never)]
pub(crate) fn get<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    one(answer, documents.list_get_json(&call.key()?, call.parse(1)?)?)
}

/// Reads the elements between two positions.
#[inline(never)]
pub(crate) fn range<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let elements = documents.list_range_json(&call.key()?, call.parse(1)?, call.parse(2)?)?;
    list(answer, elements.into_iter().map(Ok), element)
}

/// Adds elements at an end.
#[inline(never)]
pub(crate) fn push<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let elements: Vec<&RawValue> = call.parse(2)?;
    let elements = elements.into_iter().map(RawValue::get);
    answer.value(&at.database.named_mut(&call.collection).push_json(&call.key()?, call.parse(1)?, elements)?)
}

/// Removes the element at an end.
#[inline(never)]
pub(crate) fn pop<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    one(answer, at.database.named_mut(&call.collection).pop_json(&call.key()?, call.parse(1)?)?)
}

/// Removes all elements outside two positions.
#[inline(never)]
pub(crate) fn trim<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.named_mut(&call.collection).trim(&call.key()?, call.parse(1)?, call.parse(2)?)?)
}

/// Replaces one element.
#[inline(never)]
pub(crate) fn set<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.named_mut(&call.collection).list_set_json(&call.key()?, call.parse(1)?, call.json(2)?)?)
}
