//! Queries: their text comes as it is, and rows go out as `{"key": ..., "value": ..., "version": ...}`.

use super::answer::Answer;
use super::call::Call;
use crate::documents::Verb;
use crate::documents::{
    ActiveTransaction, Collection, Database, Document, Error, FindPage, IndexSpec, Query, QueryPage, Result, Rows,
};
use crate::fs::File;

/// Answers a query of the newest state.
pub(crate) fn ask<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match call.verb {
        "query" => documents.measured(Verb::Query, || page(answer, &mut documents.rows(&query(call)?)?, Rows::cursor)),
        "findOne" => first(answer, documents.find_one(&query(call)?)?),
        "countRows" => answer.value(&documents.count_rows(&query(call)?)?),
        "explain" => answer.value(&documents.explain(&query(call)?)?),
        "findPage" => keys(answer, documents.find_page(&call.path()?, &call.condition()?, &call.find_options()?)?),
        verb => Err(unknown(verb)),
    }
}

/// Answers a query within a transaction.
pub(crate) fn ask_in<F: File>(
    documents: &mut ActiveTransaction<'_, F>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    match call.verb {
        "query" => {
            let QueryPage { rows, cursor } = documents.query_page(&query(call)?)?;
            page(answer, &mut rows.into_iter().map(Ok), |_| Ok(cursor))
        }
        "findOne" => first(answer, documents.find_one(&query(call)?)?),
        "countRows" => answer.value(&documents.count_rows(&query(call)?)?),
        "findPage" => keys(answer, documents.find_page(&call.path()?, &call.condition()?, &call.find_options()?)?),
        verb => Err(unknown(verb)),
    }
}

/// What an index is to be on, the first argument: a path, or what [`IndexSpec::parse`] takes.
pub(crate) fn index_spec(call: &Call<'_>) -> Result<IndexSpec> {
    let text = call.json(0)?;
    match text.trim_start().as_bytes() {
        [b'[' | b'{', ..] => IndexSpec::parse(text),
        _ => Ok(IndexSpec::from(&*call.path()?)),
    }
}

fn unknown(verb: &str) -> Error {
    Error::Unsupported { what: format!("the verb {verb:?}") }
}

fn query(call: &Call<'_>) -> Result<Query> {
    Query::parse(call.json(0)?)
}

fn keys(answer: &mut Answer, page: FindPage) -> Result<()> {
    answer.value(&page)
}

fn first(answer: &mut Answer, document: Option<Document>) -> Result<()> {
    let Some(document) = document else {
        answer.done();
        return Ok(());
    };
    answer.open();
    row(answer, document)?;
    answer.close();
    Ok(())
}

fn page<R: Iterator<Item = Result<Document>>>(
    answer: &mut Answer,
    rows: &mut R,
    cursor: impl FnOnce(&mut R) -> Result<Option<String>>,
) -> Result<()> {
    answer.open();
    answer.text("{\"rows\":");
    answer.rows_at("\"rows\",");
    answer.array(rows.by_ref(), row)?;
    if let Some(cursor) = cursor(rows)? {
        answer.text(",\"cursor\":");
        answer.json(&cursor)?;
    }
    answer.text("}");
    answer.close();
    Ok(())
}

/// A row of a query.
pub(crate) fn row(answer: &mut Answer, document: Document) -> Result<()> {
    let version = document.version;
    answer.text("{\"key\":");
    answer.json(&document.key)?;
    answer.text(",\"value\":");
    answer.document(document, "\"value\",")?;
    answer.text(",\"version\":");
    answer.json(&version)?;
    answer.text("}");
    Ok(())
}
