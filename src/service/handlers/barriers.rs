//! Operations on indexes, collections and the complete database.

use super::queries::index_spec;
use crate::documents::Result;
use crate::engine::{CompactProgress, RotateProgress};
use crate::fs::File;
use crate::service::answer::Answer;
use crate::service::call::Call;
use crate::service::execution::Execution;
use crate::service::results::done;
use crate::service::tasks::Task;
use serde::Deserialize;

/// Lists the names of the collections.
#[inline(never)]
pub(crate) fn collections<F: File>(at: &mut Execution<'_, F>, _: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.collections())
}

/// Lists the indexes of a collection.
#[inline(never)]
pub(crate) fn indexes<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.named(&call.collection).indexes())
}

/// Creates an index, in slices.
#[inline(never)]
pub(crate) fn create_index<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let (collection, index) = (call.collection.clone().into_owned(), index_spec(call)?);
    let (indexes, name) = (at.database.named(&collection).index_infos(), index.paths.join(", "));
    let is_new = !indexes.iter().any(|index| index.ready && index.path == name);
    at.start(Task::CreateIndex { collection, index, is_new }, call.task_name(1)?, answer)
}

/// Drops an index.
#[inline(never)]
pub(crate) fn drop_index<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let index = index_spec(call)?;
    at.tasks.cancel_indexes(&call.collection, Some(&index));
    answer.value(&at.database.named_mut(&call.collection).drop_index(index)?)
}

/// Drops a collection.
#[inline(never)]
pub(crate) fn drop_collection<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let name = call.name()?;
    at.tasks.cancel_indexes(&name, None);
    answer.value(&at.database.drop_collection(&name)?)
}

/// Makes all commits durable.
#[inline(never)]
pub(crate) fn flush<F: File>(at: &mut Execution<'_, F>, _: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.database.flush()?;
    done(answer)
}

/// Rewrites the file without deleted data, in slices.
#[inline(never)]
pub(crate) fn compact<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.start(Task::Compact(CompactProgress::default()), call.task_name(0)?, answer)
}

/// Seals the file with a new data key, in slices.
#[inline(never)]
pub(crate) fn rotate_key<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.start(Task::RotateKey(RotateProgress::default()), call.task_name(0)?, answer)
}

/// Cancels work that is done in slices.
#[inline(never)]
pub(crate) fn cancel<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.tasks.cancel(at.database, at.client_number, call.parse(0)?)?;
    done(answer)
}

/// Checks the file.
#[inline(never)]
pub(crate) fn check<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.check(call.parse::<CheckOptions>(0)?.full)?)
}

/// The options of `check`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct CheckOptions {
    full: bool,
}
