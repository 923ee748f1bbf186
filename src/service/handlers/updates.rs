//! Operations that read and write a document in one step.

use crate::documents::Result;
use crate::fs::File;
use crate::service::answer::Answer;
use crate::service::call::Call;
use crate::service::call::Text;
use crate::service::execution::Execution;
use crate::service::results::one;

/// Adds to a number.
#[inline(never)]
pub(crate) fn increment<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    // As text: JavaScript's numbers are exact to 53 bits.
    let sum = at.database.named_mut(&call.collection).increment(&call.key()?, call.parse(1)?)?;
    answer.value(&sum.to_string())
}

/// Replaces a document that equals the expected one.
#[inline(never)]
pub(crate) fn compare_and_swap<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let (expected, next) = (call.perhaps(1)?, call.perhaps(2)?);
    answer.value(&at.database.named_mut(&call.collection).compare_and_swap_json(&call.key()?, expected, next)?)
}

/// Stores a document and returns the one before.
#[inline(never)]
pub(crate) fn get_and_set<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    one(answer, at.database.named_mut(&call.collection).get_and_set_json(&call.key()?, call.json(1)?)?)
}

/// Moves a document to another key.
#[inline(never)]
pub(crate) fn rename<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let Text(to) = call.parse(1)?;
    answer.value(&at.database.named_mut(&call.collection).rename(&call.key()?, &to)?)
}

/// Applies a JSON Patch.
#[inline(never)]
pub(crate) fn patch<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.named_mut(&call.collection).patch(&call.key()?, call.json(1)?)?)
}

/// Applies a JSON Merge Patch.
#[inline(never)]
pub(crate) fn merge_patch<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.named_mut(&call.collection).merge_patch(&call.key()?, call.json(1)?)?)
}
