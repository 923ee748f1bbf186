//! The forms of results.

use super::answer::Answer;
use crate::documents::{Document, FindPage, Result};

/// Writes a document, or nothing if it is missing.
pub(crate) fn one(answer: &mut Answer, json: Option<String>) -> Result<()> {
    let Some(json) = json else {
        answer.done();
        return Ok(());
    };
    answer.open();
    answer.text(&json);
    answer.close();
    Ok(())
}

/// Writes nothing: the operation has no result.
pub(crate) fn done(answer: &mut Answer) -> Result<()> {
    answer.done();
    Ok(())
}

/// Writes a document with its version, and the time at which it expires in milliseconds since 1970.
pub(crate) fn versioned(answer: &mut Answer, document: Option<Document>) -> Result<()> {
    let Some(document) = document else {
        answer.done();
        return Ok(());
    };
    answer.open();
    answer.text(&format!("[{},", document.version));
    answer.json(&document.expires_at)?;
    answer.text(",");
    answer.at(2);
    value(answer, document)?;
    answer.text("]");
    answer.close();
    Ok(())
}

/// Writes a document that may be bytes.
pub(crate) fn document(answer: &mut Answer, document: Option<Document>) -> Result<()> {
    match document {
        Some(document) if document.bytes.is_some() => {
            answer.bytes(document.into_bytes()?);
            Ok(())
        }
        document => one(answer, document.map(|document| document.json)),
    }
}

/// Writes one document of several that were asked for. It stands in an array of its own, so that a document that is null
/// differs from a missing one.
pub(crate) fn perhaps(answer: &mut Answer, document: Option<Document>) -> Result<()> {
    answer.text("[");
    document.map_or(Ok(()), |document| answer.document(document, "0,"))?;
    answer.text("]");
    Ok(())
}

/// Writes an element of a list.
pub(crate) fn element(answer: &mut Answer, element: String) -> Result<()> {
    answer.text(&element);
    Ok(())
}

/// Writes the value of a document.
pub(crate) fn value(answer: &mut Answer, document: Document) -> Result<()> {
    answer.document(document, "")
}

/// Writes the key and the value of a document.
pub(crate) fn entry(answer: &mut Answer, document: Document) -> Result<()> {
    answer.entry(document)
}

/// Writes an array.
pub(crate) fn list<T>(
    answer: &mut Answer,
    items: impl IntoIterator<Item = Result<T>>,
    write: impl FnMut(&mut Answer, T) -> Result<()>,
) -> Result<()> {
    answer.open();
    answer.array(items, write)?;
    answer.close();
    Ok(())
}

/// Writes a page of keys.
pub(crate) fn keys(answer: &mut Answer, page: FindPage) -> Result<()> {
    answer.value(&page)
}

/// Writes the first row of a query, or nothing if no document matches.
pub(crate) fn first(answer: &mut Answer, document: Option<Document>) -> Result<()> {
    let Some(document) = document else {
        answer.done();
        return Ok(());
    };
    answer.open();
    row(answer, document)?;
    answer.close();
    Ok(())
}

/// Writes a page of rows, and the cursor of the next page.
pub(crate) fn page<R: Iterator<Item = Result<Document>>>(
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

/// Writes a row of a query: `{"key": ..., "value": ..., "version": ...}`.
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
