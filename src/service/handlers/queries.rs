//! Queries of a collection.

use crate::documents::{Collection, Database, IndexSpec, Metric, Query, Result, Rows};
use crate::fs::File;
use crate::service::answer::Answer;
use crate::service::call::Call;
use crate::service::results::{first, keys, page};

/// Finds keys by the value at a path.
#[inline(never)]
pub(crate) fn find<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&documents.find(&call.path()?, &call.condition()?, &call.find_options()?)?)
}

/// Finds a page of keys by the value at a path.
#[inline(never)]
pub(crate) fn find_page<F: File>(
    documents: &Collection<&Database<F>>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    keys(answer, documents.find_page(&call.path()?, &call.condition()?, &call.find_options()?)?)
}

/// Finds a page of rows.
#[inline(never)]
pub(crate) fn query<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    documents.measured(Metric::Query, || page(answer, &mut documents.rows(&parse(call)?)?, Rows::cursor))
}

/// Finds the first row.
#[inline(never)]
pub(crate) fn find_one<F: File>(
    documents: &Collection<&Database<F>>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    first(answer, documents.find_one(&parse(call)?)?)
}

/// Counts the rows of a query.
#[inline(never)]
pub(crate) fn count_rows<F: File>(
    documents: &Collection<&Database<F>>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    answer.value(&documents.count_rows(&parse(call)?)?)
}

/// Describes how a query would be answered.
#[inline(never)]
pub(crate) fn explain<F: File>(
    documents: &Collection<&Database<F>>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    answer.value(&documents.explain(&parse(call)?)?)
}

/// Parses the query of a call, its first argument.
pub(super) fn parse(call: &Call<'_>) -> Result<Query> {
    Query::parse(call.json(0)?)
}

/// Parses the index of a call, its first argument: a path, or an object that [`IndexSpec::parse`] accepts.
pub(super) fn index_spec(call: &Call<'_>) -> Result<IndexSpec> {
    let text = call.json(0)?;
    match text.trim_start().as_bytes() {
        [b'[' | b'{', ..] => IndexSpec::parse(text),
        _ => Ok(IndexSpec::from(&*call.path()?)),
    }
}
