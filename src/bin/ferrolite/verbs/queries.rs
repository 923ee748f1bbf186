//! `query` and `explain`.

use crate::command::Answer;
use crate::command::Db;
use crate::command::Request;
use crate::failure::{Failure, tell};
use crate::output::Output;
use ferrolite::{Explanation, Query};

/// Prints the keys and documents that a query finds; with a limit also, on standard error, where the next page begins.
pub fn query(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let query = query_of(request)?;
    let page = request.documents(db)?.query_page(&query)?;
    if page.rows.is_empty() {
        note_why(db, request, &query, output)?;
    }
    for document in &page.rows {
        output.document(document)?;
    }
    if let Some(cursor) = page.cursor {
        output.flush()?;
        tell(format_args!("more: \"after\": {cursor:?}"));
    }
    Ok(Answer::Yes)
}

/// Prints how a query is answered, and why it may find nothing.
pub fn explain(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let explained = request.documents(db)?.explain(&query_of(request)?)?;
    output.answer(&explained, &told(&explained))?;
    Ok(Answer::Yes)
}

/// Prints on standard error what may explain that a query has found nothing.
pub fn note_why(db: &mut Db, request: &Request, query: &Query, output: &mut Output) -> Result<(), Failure> {
    output.flush()?;
    // Of a query without rows only the notes cost anything.
    for note in request.documents(db)?.explain(&query.clone().limit(0))?.notes {
        tell(format_args!("note: {note}"));
    }
    Ok(())
}

fn query_of(request: &Request) -> Result<Query, Failure> {
    Ok(Query::parse(request.words.first().map_or("{}", String::as_str))?)
}

fn told(explained: &Explanation) -> String {
    let Explanation { ranges, order, entries_read, documents_read, rows_returned, .. } = explained;
    let bounds = explained.bounds.join("; ");
    let source = match &explained.index {
        Some(paths) => format!("index on {}", paths.join(", ")),
        None => "documents by key".to_owned(),
    };
    let second = explained.intersected.iter().map(|paths| format!(", together with the index on {}", paths.join(", ")));
    let missing = if explained.then_missing { ", then documents without a value" } else { "" };
    let second: String = second.collect();
    let notes: String = explained.notes.iter().map(|note| format!("\nnote: {note}")).collect();
    format!(
        "{source}{second}{missing}: {ranges} ranges ({bounds}), order by {order}, {entries_read} entries and {documents_read} \
         documents read, {rows_returned} rows{notes}"
    )
}
