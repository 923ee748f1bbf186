//! `dump`: a database as lines of JSON, for `load`: the documents of each collection in key order, then its indexes.

use crate::arguments::Request;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Db;
use crate::verbs::Answer;
use ferrolite::Range;

/// Prints the whole database; with `--collection` or a range, documents of one collection. One document at a time is in
/// memory.
pub fn run(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    if request.collection.is_some() || request.range != Range::all() {
        for document in request.documents(db)?.scan(&request.range)? {
            output.document_line("", &document?, false)?;
        }
        return Ok(Answer::Yes);
    }
    for name in std::iter::once(String::new()).chain(db.collections()) {
        let collection = match name.as_str() {
            "" => db.default_collection(),
            name => db.collection(name)?,
        };
        for document in collection.scan(&Range::all())? {
            output.document_line(&name, &document?, false)?;
        }
        for index in collection.indexes() {
            output.index_line(&name, &index)?;
        }
    }
    Ok(Answer::Yes)
}
