//! `import-ferrumdb`: the documents of a FerrumDB file become a new database.

use super::file::{grouped, table};
use super::transfer::new_file;
use crate::command::Answer;
use crate::command::Request;
use crate::failure::{EXIT_INPUT, Failure};
use crate::output::{Output, size};
use crate::secrets;
use crate::session::Session;
use ferrolite::import::ImportReport;

/// Imports the documents, and reports the documents that could not be imported: then with the exit code of bad input.
pub fn run(session: &Session, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let key = request.source_key_file.as_deref().map(secrets::read_foreign_key).transpose()?;
    let report = session.import_ferrumdb(new_file(request)?, key.as_deref())?;
    output.answer(&report, &figures(&report))?;
    if !output.is_json() {
        report.skipped.iter().try_for_each(|reason| output.line(&format!("left out: {reason}")))?;
    }
    if report.skipped.is_empty() { Ok(Answer::Yes) } else { Err(Failure::printed(EXIT_INPUT)) }
}

fn figures(report: &ImportReport) -> String {
    let mut lines = vec![("operations", grouped(report.operations)), ("documents", grouped(report.documents))];
    if !report.skipped.is_empty() {
        lines.push(("left out", grouped(report.skipped.len() as u64)));
    }
    if report.torn_bytes > 0 {
        lines.push(("torn end", format!("{}: a write that was cut short", size(report.torn_bytes))));
    }
    table(&lines)
}
