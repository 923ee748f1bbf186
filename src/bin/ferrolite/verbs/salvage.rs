//! `salvage`: what can be read of a damaged file becomes a new one.

use super::file::{grouped, table};
use super::transfer::new_file;
use crate::command::Answer;
use crate::command::Request;
use crate::failure::{EXIT_DAMAGED, Failure};
use crate::output::{Output, size};
use crate::session::Session;
use ferrolite::{LostPart, SalvageReport};

/// Salvages the database, and reports losses: then with the exit code of damage.
pub fn run(session: &Session, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let report = session.salvage(new_file(request)?)?;
    output.answer(&report, &figures(&report))?;
    if !output.is_json() {
        for part in &report.lost {
            output.line(&told(part))?;
        }
        if report.more_lost > 0 {
            output.line(&format!("and {} more", grouped(report.more_lost)))?;
        }
        if report.scanned {
            output.line("the list of tables was lost: deleted documents and older versions may be back")?;
        }
        output.line(if report.complete { "nothing was lost" } else { "not everything was recovered" })?;
    }
    if report.complete { Ok(Answer::Yes) } else { Err(Failure::printed(EXIT_DAMAGED)) }
}

fn figures(report: &SalvageReport) -> String {
    let mut lines = vec![("documents", grouped(report.documents))];
    let indexes = if report.indexes.is_empty() { "none".to_owned() } else { report.indexes.join(", ") };
    lines.push(("indexes", indexes));
    let figures = [
        ("may be outdated", report.uncertain),
        ("expired", report.expired),
        ("not documents", report.unreadable),
        ("commits lost", report.commits_lost),
        ("entries lost", report.entries_lost),
    ];
    lines.extend(figures.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name, grouped(count))));
    if report.bytes_lost > 0 {
        lines.push(("unreadable", size(report.bytes_lost)));
    }
    table(&lines)
}

fn told(part: &LostPart) -> String {
    let mut line = format!("damaged: {}", part.what);
    if part.offset > 0 {
        line += &format!(", offset {}", part.offset);
    }
    if let Some(table) = part.table {
        line += &format!(", table {table}");
    }
    match (&part.from, &part.to) {
        (Some(from), Some(to)) => line += &format!(", keys from {from:?} to {to:?}"),
        (Some(from), None) => line += &format!(", keys from {from:?}"),
        (None, Some(to)) => line += &format!(", keys up to {to:?}"),
        (None, None) => {}
    }
    if !part.has_documents {
        line += " (costs no documents)";
    }
    line
}
