//! `dump`: a database as lines of JSON, for `load`: the documents of each collection in key order, then its indexes.
//!
//! The first line and the last enclose the lines: `{"dump":1}` and `{"end":{"documents":2,"indexes":1,"checksum":"..."}}`.
//! By them `load` finds out that a dump has failed, was cut short or was changed. `--plain` leaves both out.

use crate::command::Answer;
use crate::command::Db;
use crate::command::Request;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::tally::Tally;
use ferrolite::Range;
use serde_json::json;

/// The version of the lines, in the first one.
pub const VERSION: u64 = 1;

/// Prints the complete database; with `--collection` or a range, documents of one collection. One document at a time is in
/// memory.
pub fn run(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let mut tally = Tally::default();
    if request.plain {
        lines(db, request, &mut tally, output)?;
        return Ok(Answer::Yes);
    }
    output.dump_line(&json!({ "dump": VERSION }).to_string(), &mut tally)?;
    lines(db, request, &mut tally, output)?;
    let Tally { documents, indexes, .. } = tally;
    let end = json!({ "documents": documents, "indexes": indexes, "checksum": tally.checksum() });
    output.line(&json!({ "end": end }).to_string())?;
    Ok(Answer::Yes)
}

fn lines(db: &mut Db, request: &Request, tally: &mut Tally, output: &mut Output) -> Result<(), Failure> {
    if request.collection.is_some() || request.range != Range::all() {
        for document in request.documents(db)?.scan(&request.range)? {
            output.dump_line(&output::document_line("", &document?, false)?, tally)?;
            tally.documents += 1;
        }
        return Ok(());
    }
    for name in std::iter::once(String::new()).chain(db.collections()) {
        let collection = match name.as_str() {
            "" => db.default_collection(),
            name => db.collection(name)?,
        };
        for document in collection.scan(&Range::all())? {
            output.dump_line(&output::document_line(&name, &document?, false)?, tally)?;
            tally.documents += 1;
        }
        for index in collection.indexes() {
            output.dump_line(&output::index_line(&name, &index), tally)?;
            tally.indexes += 1;
        }
    }
    Ok(())
}
