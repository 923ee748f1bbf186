//! `info`, `check` and `compact`: the verbs about the file as a whole.

use crate::command::Answer;
use crate::command::Db;
use crate::command::Request;
use crate::failure::Failure;
use crate::output::{Output, size};
use ferrolite::{Argon2, IndexInfo, Space, SpaceKind, Stats};
use serde_json::json;

/// Prints figures about the database.
pub fn info(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let stats = db.stats();
    let mut lines = of_file(&stats, indexes(db)?);
    if request.in_repl {
        lines.extend(since_opened(&stats));
    }
    output.answer(&stats, &[table(&lines), of_spaces(&stats), of_latencies(&stats)].concat())?;
    Ok(Answer::Yes)
}

/// Looks for damage; what is found is an error with an exit code of its own.
pub fn check(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let report = db.check(!request.quick)?;
    let looked_at = [
        ("tables", report.tables),
        ("entries of tables", report.entries),
        ("documents", report.documents),
        ("parts of documents", report.parts),
        ("index entries", report.index_entries),
    ];
    let looked_at: Vec<_> = looked_at.into_iter().map(|(name, count)| (name, grouped(count))).collect();
    output.answer(&report, &table(&looked_at))?;
    if !output.is_json() {
        report.notes.iter().try_for_each(|note| output.line(&format!("note: {note}")))?;
    }
    if report.is_ok() {
        if !output.is_json() {
            output.line("no damage found")?;
        }
        return Ok(Answer::Yes);
    }
    if !output.is_json() {
        report.problems.iter().try_for_each(|problem| output.line(&format!("damaged: {problem}")))?;
    }
    Err(Failure::damaged(report.problems.len()))
}

/// Rewrites the file without what is no longer needed.
pub fn compact(db: &mut Db, _request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let before = db.stats().engine.file_bytes;
    db.compact()?;
    let after = db.stats().engine.file_bytes;
    let text = format!("{} before, {} after", size(before), size(after));
    output.answer(&json!({ "before": before, "after": after }), &text)?;
    Ok(Answer::Yes)
}

pub(super) type Line = (&'static str, String);

/// The indexes of all collections.
fn indexes(db: &Db) -> Result<String, Failure> {
    let told = |collection: &str, index: IndexInfo| {
        let state = if index.ready { "" } else { " (half built)" };
        let collection = if collection.is_empty() { String::new() } else { format!("{collection}: ") };
        format!("{collection}{}{state}", index.path)
    };
    let mut indexes: Vec<_> = db.indexes().into_iter().map(|index| told("", index)).collect();
    for name in db.collections() {
        indexes.extend(db.collection(&name)?.indexes().into_iter().map(|index| told(&name, index)));
    }
    Ok(some_or_none(indexes.join(", ")))
}

fn of_file(stats: &Stats, indexes: String) -> Vec<Line> {
    let engine = &stats.engine;
    let mut lines = vec![
        ("format", engine.format_version.to_string()),
        ("file", format!("{}, {} of it free", size(engine.file_bytes), size(engine.free_bytes))),
        ("version", format!("{}, that of the last commit", stats.version)),
        ("encryption", encryption(stats)),
        ("indexes", indexes),
        ("not in tables", format!("{} entries, {}", grouped(engine.memtable_entries), size(engine.memtable_bytes))),
    ];
    for (number, level) in engine.levels.iter().enumerate().filter(|(_, level)| level.tables > 0) {
        let tables = if level.tables == 1 { "1 table".to_owned() } else { format!("{} tables", grouped(level.tables)) };
        let entries = grouped(level.entries);
        let deleted = match level.tombstones {
            0 => String::new(),
            tombstones => format!(", {} of them deletions", grouped(tombstones)),
        };
        let name = LEVELS.get(number).copied().unwrap_or("deeper");
        lines.push((name, format!("{tables}, {}, {entries} entries{deleted}", size(level.bytes))));
    }
    lines.push(("to be merged", size(engine.debt_bytes)));
    if stats.unfinished_uploads > 0 {
        let count = grouped(stats.unfinished_uploads);
        lines.push(("unfinished", format!("{count} large values of killed programs; the next write removes them")));
    }
    if let Some(reason) = &engine.failed {
        lines.push(("takes no writes", reason.clone()));
    }
    lines
}

fn encryption(stats: &Stats) -> String {
    let Some(encryption) = &stats.engine.encryption else { return "none".to_owned() };
    let by = match encryption.argon2 {
        None => "by a key".to_owned(),
        Some(Argon2 { memory_kib, iterations, lanes }) => {
            let memory = size(u64::from(memory_kib) << 10);
            format!("by a passphrase (Argon2id: {memory}, passes: {iterations}, lanes: {lanes})")
        }
    };
    let rotation = match encryption.is_rotating {
        true => format!("; a rotation is not through, {} have the old key", size(encryption.old_key_bytes)),
        false => String::new(),
    };
    format!("{}, {by}; key epoch {}{rotation}", encryption.cipher, encryption.key_epoch)
}

fn since_opened(stats: &Stats) -> Vec<Line> {
    let (counters, io, cache) = (&stats.engine.counters, &stats.engine.io, &stats.engine.cache);
    vec![
        ("commits", format!("{} in {} writes", grouped(counters.commits), grouped(counters.groups))),
        ("flushes to disk", grouped(io.syncs)),
        ("read", format!("{} in {} calls", size(io.bytes_read), grouped(io.reads))),
        ("written", format!("{} in {} calls", size(io.bytes_written), grouped(io.writes))),
        ("flushed", grouped(counters.flushes)),
        (
            "merged",
            format!("{}, {} written as tables", grouped(counters.compactions), size(counters.table_bytes_written)),
        ),
        ("expired tables", grouped(counters.tables_dropped)),
        (
            "page cache",
            format!(
                "{} of {}, {} found, {} read",
                size(cache.bytes),
                size(cache.capacity),
                grouped(cache.hits),
                grouped(cache.misses)
            ),
        ),
    ]
}

/// Prints the space of documents and indexes, one below the other.
fn of_spaces(stats: &Stats) -> String {
    let heads = ["in tables", "size", "entries", "deletions", "with expiry"].map(str::to_owned);
    let row = |space: &Space| {
        let name = match (space.kind, &space.path) {
            (SpaceKind::Catalog, _) => "catalog".to_owned(),
            (SpaceKind::Documents, _) => "documents".to_owned(),
            (SpaceKind::Index, path) => format!("index {}", path.as_deref().unwrap_or_default()),
            (SpaceKind::Changes, _) => "change history".to_owned(),
            (SpaceKind::Receipts, _) => "receipts".to_owned(),
            (SpaceKind::Parts, _) => "large values and lists".to_owned(),
            (SpaceKind::Dropped, _) => "what was dropped".to_owned(),
        };
        let name = if space.collection.is_empty() { name } else { format!("{}: {name}", space.collection) };
        let tables = &space.tables;
        [name, size(tables.bytes), grouped(tables.entries), grouped(tables.tombstones), grouped(tables.expiring)]
    };
    columns(heads, stats.spaces.iter().map(row).collect())
}

/// How long verbs took, where that was measured.
fn of_latencies(stats: &Stats) -> String {
    let heads = ["microseconds", "calls", "50%", "90%", "99%", "99.9%", "longest"].map(str::to_owned);
    let us = |us: f64| format!("{us:.1}");
    let rows = stats.latencies.iter().flatten().map(|verb| {
        let [p50, p90, p99, p999, max] = [verb.p50, verb.p90, verb.p99, verb.p999, verb.max].map(us);
        [verb.verb.to_owned(), grouped(verb.count), p50, p90, p99, p999, max]
    });
    columns(heads, rows.collect())
}

/// A table with a heading and an empty line above it; nothing when it has no rows.
fn columns<const N: usize>(heads: [String; N], rows: Vec<[String; N]>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let all: Vec<_> = std::iter::once(heads).chain(rows).collect();
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let line = |row: &[String; N]| {
        let cells = row.iter().enumerate().map(|(column, cell)| match (column, width(column).unwrap_or(0)) {
            (0, width) => format!("{cell:<width$}", width = width.max(16)),
            (_, width) => format!("  {cell:>width$}"),
        });
        format!("\n{}", cells.collect::<String>())
    };
    format!("\n{}", all.iter().map(line).collect::<String>())
}

const LEVELS: [&str; 7] = ["level 0", "level 1", "level 2", "level 3", "level 4", "level 5", "level 6"];

fn some_or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

pub(super) fn table(lines: &[Line]) -> String {
    /// Columns of the names, unless one is longer.
    const NAME_COLUMNS: usize = 16;
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(NAME_COLUMNS) + 2;
    let lines = lines.iter().map(|(name, value)| format!("{name:<width$}{value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// A number with a comma after each thousand.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
