//! What each verb does.

use super::answer::Answer;
use super::call::{Call, Text, not_understood};
use super::service::Desk;
use super::tasks::Task;
use crate::fs::File;
use crate::{CompactProgress, Database, Document, Error, Result, RotateProgress, Transaction, Ttl};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::time::Duration;

/// How a verb gets along with others in one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Writes nothing.
    Read,
    /// A commit, which shares the group's flush.
    Write,
    /// Wants what is before it on the disk, or cannot be undone with it.
    Alone,
}

/// The kind of a verb; unknown ones fail when they are run.
pub(super) fn kind(verb: &str) -> Kind {
    match verb {
        "set" | "setEx" | "setMany" | "delete" | "deleteRange" | "commit" | "expire" | "persist" => Kind::Write,
        "createIndex" | "dropIndex" | "scanOpen" | "flush" | "compact" | "rotateKey" | "check" => Kind::Alone,
        _ => Kind::Read,
    }
}

/// Runs a call and writes its result, or returns why there is none.
pub(super) fn run<F: File>(desk: &mut Desk<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match kind(call.verb) {
        Kind::Read => read(desk, call, answer),
        Kind::Write => write(desk.database, call, answer),
        Kind::Alone => alone(desk, call, answer),
    }
}

fn read<F: File>(desk: &mut Desk<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let database = &*desk.database;
    match call.verb {
        "get" => match database.get_json(&call.key()?)? {
            Some(json) => {
                answer.open();
                answer.text(&json);
                answer.close();
            }
            None => answer.done(),
        },
        "getMany" => {
            let keys: Vec<Text<'_>> = call.parse(0)?;
            let keys: Vec<Cow<'_, str>> = keys.into_iter().map(|Text(key)| key).collect();
            let found = database.get_many_json(&keys)?;
            // In arrays of their own, so that a document that is null differs from none.
            list(answer, found.into_iter().map(Ok), |answer, json: Option<String>| {
                answer.text("[");
                answer.text(json.as_deref().unwrap_or_default());
                answer.text("]");
                Ok(())
            })?;
        }
        "has" => answer.value(&database.has(&call.key()?)?)?,
        "count" => answer.value(&database.count(&call.range()?)?)?,
        "keys" => answer.value(&database.keys(&call.range()?)?)?,
        "values" => list(answer, database.scan(&call.range()?)?, |answer, document: Document| {
            answer.text(&document.json);
            Ok(())
        })?,
        "entries" => list(answer, database.scan(&call.range()?)?, |answer, document: Document| {
            answer.text("[");
            answer.json(&document.key)?;
            answer.text(",");
            answer.text(&document.json);
            answer.text("]");
            Ok(())
        })?,
        "find" => answer.value(&database.find(&call.path()?, &call.condition()?, &call.find_options()?)?)?,
        "indexes" => answer.value(&database.indexes())?,
        "ttl" => match database.ttl(&call.key()?)? {
            Ttl::Missing => answer.done(),
            Ttl::Forever => answer.value(&())?,
            Ttl::Left(left) => answer.value(&(left.as_millis() as u64))?,
        },
        "scanNext" => desk.cursors.next(desk.database, call.parse(0)?, answer)?,
        "scanClose" => {
            desk.cursors.close(desk.database, call.parse(0)?);
            answer.done();
        }
        verb => return Err(Error::Unsupported { what: format!("the verb {verb:?}") }),
    }
    Ok(())
}

fn write<F: File>(database: &mut Database<F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match call.verb {
        "set" => answer.value(&database.set_json(&call.key()?, call.json(1)?)?),
        "setEx" => answer.value(&database.set_ex_json(&call.key()?, call.json(1)?, call.ttl(2)?)?),
        "setMany" => {
            let ttl = call.optional(1).map(|_| call.ttl(1)).transpose()?;
            let documents: Vec<(Text<'_>, &RawValue)> = call.parse(0)?;
            let transaction = documents
                .into_iter()
                .try_fold(Transaction::new(), |transaction, (key, json)| put(transaction, &key.0, json.get(), ttl))?;
            answer.value(&database.commit(transaction)?)
        }
        "commit" => {
            let operations: Vec<Operation<'_>> = call.parse(0)?;
            let transaction = operations
                .into_iter()
                .try_fold(Transaction::new(), |transaction, operation| operation.add_to(transaction))?;
            answer.value(&database.commit(transaction)?)
        }
        "delete" => answer.value(&database.delete(&call.key()?)?),
        "deleteRange" => answer.value(&database.delete_range(&call.range()?)?),
        "expire" => answer.value(&database.expire(&call.key()?, call.ttl(1)?)?),
        _ => answer.value(&database.persist(&call.key()?)?),
    }
}

fn alone<F: File>(desk: &mut Desk<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match call.verb {
        "createIndex" => {
            let path = call.path()?.into_owned();
            let is_new = !desk.database.indexes().iter().any(|index| index.ready && index.path == path);
            desk.tasks.start(desk.database, Task::CreateIndex { path, is_new }, answer)
        }
        "dropIndex" => {
            let path = call.path()?;
            desk.tasks.cancel_index(&path);
            answer.value(&desk.database.drop_index(&path)?)
        }
        "scanOpen" => desk.cursors.open(desk.database, call.range()?, answer),
        "compact" => desk.tasks.start(desk.database, Task::Compact(CompactProgress::default()), answer),
        "rotateKey" => desk.tasks.start(desk.database, Task::RotateKey(RotateProgress::default()), answer),
        "check" => answer.value(&desk.database.check(call.parse::<CheckOptions>(0)?.full)?),
        _ => {
            desk.database.flush()?;
            answer.done();
            Ok(())
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct CheckOptions {
    full: bool,
}

/// One write of a transaction, as `[verb, key, ...]`.
struct Operation<'a>(Call<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Operation<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Call::deserialize(deserializer).map(Self)
    }
}

impl Operation<'_> {
    fn add_to(&self, transaction: Transaction) -> Result<Transaction> {
        let call = &self.0;
        match call.verb {
            "set" => put(transaction, &call.key()?, call.json(1)?, None),
            "setEx" => put(transaction, &call.key()?, call.json(1)?, Some(call.ttl(2)?)),
            "delete" => transaction.delete(&call.key()?),
            verb => Err(not_understood(format!("{verb:?} in a transaction"))),
        }
    }
}

fn put(transaction: Transaction, key: &str, json: &str, ttl: Option<Duration>) -> Result<Transaction> {
    match ttl {
        Some(ttl) => transaction.set_ex_json(key, json, ttl),
        None => transaction.set_json(key, json),
    }
}

/// A result that is an array.
fn list<T>(
    answer: &mut Answer,
    items: impl IntoIterator<Item = Result<T>>,
    write: impl FnMut(&mut Answer, T) -> Result<()>,
) -> Result<()> {
    answer.open();
    answer.array(items, write)?;
    answer.close();
    Ok(())
}
