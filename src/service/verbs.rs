//! What each verb does.

use super::answer::Answer;
use super::call::{Attachments, Call, Text, not_understood};
use super::client::Client;
use super::queries;
use super::service::Desk;
use super::tasks::Task;
use super::watches::Watched;
use crate::documents::Verb;
use crate::documents::{Collection, Database, Document, Error, OpenTransaction, Query, Result, Transaction, Ttl};
use crate::engine::{CompactProgress, RotateProgress};
use crate::fs::File;
use serde::Deserialize;
use serde_json::value::RawValue;

/// How a verb gets along with others in one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Writes nothing.
    Read,
    /// A commit, which shares the group's flush.
    Write,
    /// Wants what is before it on the disk, or cannot be undone or repeated with it.
    Alone,
    /// The same, and a commit with which nothing else is flushed.
    Apart,
}

/// The kind of a verb; unknown ones fail when they are run.
pub(crate) fn kind(verb: &str) -> Kind {
    match verb {
        "set" | "setEx" | "setWith" | "setBytes" | "setMany" | "delete" | "deleteRange" | "commit" | "expire"
        | "persist" => Kind::Write,
        "push" | "pop" | "trim" | "listSet" => Kind::Write,
        "increment" | "compareAndSwap" | "getAndSet" | "rename" | "patch" | "mergePatch" | "txCommit" => Kind::Write,
        "createIndex" | "dropIndex" | "dropCollection" | "scanOpen" | "scanNext" | "exportBegin" | "flush"
        | "compact" | "rotateKey" | "cancel" | "check" => Kind::Alone,
        "txBegin" | "txWrite" | "txRollback" | "snapshotOpen" | "snapshotScan" | "snapshotClose" => Kind::Alone,
        "watchOpen" | "watchQuery" | "watchNext" | "watchClose" => Kind::Alone,
        "blobBegin" | "blobWrite" | "blobFinish" | "blobAbort" | "blobOpen" | "blobRead" | "blobClose" => Kind::Alone,
        _ => Kind::Read,
    }
}

/// The kind of a call: what is kept in parts gets another expiry by commits of its own.
pub(crate) fn kind_of<F: File>(database: &Database<F>, call: &Call<'_>) -> Kind {
    let in_parts = || call.key().and_then(|key| database.named(&call.collection).has_bytes_in_parts(&key));
    match call.verb {
        "blobFinish" => Kind::Apart,
        "expire" | "persist" if matches!(in_parts(), Ok(true)) => Kind::Apart,
        verb => kind(verb),
    }
}

/// True if a client that joined for reading may use the verb. A verb that is not listed here needs a writer.
pub(crate) fn is_for_readers(verb: &str) -> bool {
    match kind(verb) {
        // These get the database by a shared reference only.
        Kind::Read => true,
        Kind::Write | Kind::Apart => false,
        Kind::Alone => matches!(
            verb,
            "scanOpen" | "scanNext" | "exportBegin" | "snapshotOpen" | "snapshotScan" | "snapshotClose" | "watchOpen"
                | "watchQuery" | "watchNext" | "watchClose" | "blobOpen" | "blobRead" | "blobClose" | "blobAbort"
                // `txCommit` writes what they collect.
                | "txBegin" | "txWrite" | "txRollback" | "flush" | "cancel" | "check"
        ),
    }
}

/// Whether a verb's result is kept in receipts. Others are run again with a message that is repeated: they read, open what
/// has ended with the engine before, or come to the same when they are done twice.
pub(crate) fn is_receipted(verb: &str) -> bool {
    kind(verb) == Kind::Write || is_dropping(verb) || verb == "blobFinish"
}

/// Whether the first commit of a verb is the one that matters, and is flushed by itself. It answers true when there was one.
pub(crate) fn is_dropping(verb: &str) -> bool {
    matches!(verb, "dropIndex" | "dropCollection")
}

/// Runs a call and writes its result, or returns why there is none.
pub(crate) fn run<F: File>(desk: &mut Desk<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match kind(call.verb) {
        Kind::Read => read(desk, call, answer),
        Kind::Write => write(desk, call, answer),
        Kind::Alone | Kind::Apart => alone(desk, call, answer),
    }
}

/// Remembers what a call has ended, once it is not repeated.
pub(crate) fn settle<F: File>(desk: &mut Desk<'_, F>, call: &Call<'_>) {
    if call.verb == "txCommit"
        && let Ok(id) = call.parse(0)
    {
        desk.client.transactions.settle(id);
    }
}

fn read<F: File>(desk: &mut Desk<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let database = &*desk.database;
    match call.verb {
        "collections" => answer.value(&database.collections()),
        "indexes" => answer.value(&database.named(&call.collection).indexes()),
        "scanClose" => {
            desk.client.cursors.close(desk.database, call.parse(0)?);
            answer.done();
            Ok(())
        }
        "exportEnd" => {
            desk.client.exports.end(desk.database, call.parse(0)?);
            answer.done();
            Ok(())
        }
        "snapshotRead" => {
            let (snapshot, call) = (desk.client.snapshots.get(call.parse(0)?)?, call.parse::<Call<'_>>(1)?);
            read_from(&database.named(&call.collection).at(&snapshot)?, &call, answer)
        }
        "txRead" => read_in(desk.client.transactions.get(call.parse(0)?)?, database, &call.parse(1)?, answer),
        _ => read_from(&database.named(&call.collection), call, answer),
    }
}

/// Reads from a collection, as it is or as it was.
fn read_from<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match call.verb {
        "get" => document(answer, documents.get_document(&call.key()?)?),
        "getMany" => list(answer, documents.get_documents(&call.keys()?)?.into_iter().map(Ok), perhaps),
        "has" => answer.value(&documents.has(&call.key()?)?),
        "count" => answer.value(&documents.count(&call.range()?)?),
        "keys" => answer.value(&documents.keys(&call.range()?)?),
        "values" => documents.measured(Verb::Values, || list(answer, documents.scan(&call.range()?)?, value)),
        "entries" => documents.measured(Verb::Entries, || list(answer, documents.scan(&call.range()?)?, entry)),
        "find" => answer.value(&documents.find(&call.path()?, &call.condition()?, &call.find_options()?)?),
        "query" | "findOne" | "countRows" | "explain" | "findPage" => queries::ask(documents, call, answer),
        _ => read_rarer(documents, call, answer),
    }
}

/// The verbs of [`read_from`] with which programs do not begin.
#[inline(never)]
fn read_rarer<F: File>(documents: &Collection<&Database<F>>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match call.verb {
        "getDocument" => versioned(answer, documents.get_document(&call.key()?)?),
        "patched" => versioned(answer, documents.patched(&call.key()?, call.json(1)?)?),
        "mergePatched" => versioned(answer, documents.merge_patched(&call.key()?, call.json(1)?)?),
        "listLength" => answer.value(&documents.list_length(&call.key()?)?),
        "listGet" => one(answer, documents.list_get_json(&call.key()?, call.parse(1)?)?),
        "listRange" => {
            let elements = documents.list_range_json(&call.key()?, call.parse(1)?, call.parse(2)?)?;
            list(answer, elements.into_iter().map(Ok), element)
        }
        "ttl" => match documents.ttl(&call.key()?)? {
            Ttl::Missing => {
                answer.done();
                Ok(())
            }
            Ttl::Forever => answer.value(&()),
            Ttl::Left(left) => answer.value(&(left.as_millis() as u64)),
        },
        verb => Err(Error::Unsupported { what: format!("the verb {verb:?}") }),
    }
}

/// Reads within a transaction.
#[inline(never)]
fn read_in<F: File>(
    open: &mut OpenTransaction,
    database: &Database<F>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    let mut documents = open.on(database);
    let mut documents = documents.named(&call.collection);
    match call.verb {
        "get" => document(answer, documents.get_document(&call.key()?)?),
        "getMany" => {
            let found = call.keys()?.into_iter().map(|key| documents.get_document(&key));
            list(answer, found, perhaps)
        }
        "getDocument" => versioned(answer, documents.get_document(&call.key()?)?),
        "has" => answer.value(&documents.has(&call.key()?)?),
        "count" => answer.value(&documents.documents(&call.range()?)?.len()),
        "keys" => {
            let documents = documents.documents(&call.range()?)?;
            list(answer, documents.into_iter().map(Ok), |answer, document: Document| answer.json(&document.key))
        }
        "values" => list(answer, documents.documents(&call.range()?)?.into_iter().map(Ok), value),
        "entries" => list(answer, documents.documents(&call.range()?)?.into_iter().map(Ok), entry),
        "query" | "findOne" | "countRows" | "findPage" => queries::ask_in(&mut documents, call, answer),
        "find" => {
            let keys = documents.find(&call.path()?, &call.condition()?, &call.find_options()?)?;
            answer.value(&keys)
        }
        verb => Err(not_understood(format!("reading by {verb:?} in a transaction"))),
    }
}

fn write<F: File>(desk: &mut Desk<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match call.verb {
        "commit" => {
            let operations: Vec<Operation<'_>> = call.parse(0)?;
            let transaction = operations.into_iter().try_fold(Transaction::new(), |transaction, operation| {
                operation.add_to(transaction, &desk.attachments)
            })?;
            return answer.value(&desk.database.commit(transaction)?);
        }
        "txCommit" => return answer.value(&desk.client.transactions.commit(desk.database, call.parse(0)?)?),
        _ => {}
    }
    let mut documents = desk.database.named_mut(&call.collection);
    match call.verb {
        "set" => answer.value(&documents.set_raw(&call.key()?, call.raw(1)?)?),
        "setEx" => answer.value(&documents.set_ex_json(&call.key()?, call.json(1)?, call.ttl(2)?)?),
        "delete" => answer.value(&documents.delete(&call.key()?)?),
        "setMany" => {
            let ttl = call.optional(1).map(|_| call.ttl(1)).transpose()?;
            let pairs: Vec<(Text<'_>, &RawValue)> = call.parse(0)?;
            let transaction = pairs
                .into_iter()
                .try_fold(Transaction::new().named(&call.collection), |transaction, (key, json)| {
                    transaction.set_raw(&key.0, json, ttl)
                })?;
            answer.value(&desk.database.commit(transaction)?)
        }
        _ => write_rarer(desk, call, answer),
    }
}

/// The verbs of [`write`] with which programs do not begin.
#[inline(never)]
fn write_rarer<F: File>(desk: &mut Desk<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let mut documents = desk.database.named_mut(&call.collection);
    match call.verb {
        "setBytes" => {
            let (bytes, options) = (desk.attachments.of(call, 1)?, call.set_options()?);
            answer.value(&documents.set_bytes_with(&call.key()?, bytes, options)?)
        }
        "setWith" => {
            let options = call.set_options()?;
            answer.value(&documents.set_json_with(&call.key()?, call.json(1)?, options)?)
        }
        "increment" => {
            // As text: JavaScript's numbers are exact to 53 bits.
            let sum = documents.increment(&call.key()?, call.parse(1)?)?;
            answer.value(&sum.to_string())
        }
        "compareAndSwap" => {
            let (expected, next) = (call.perhaps(1)?, call.perhaps(2)?);
            answer.value(&documents.compare_and_swap_json(&call.key()?, expected, next)?)
        }
        "getAndSet" => one(answer, documents.get_and_set_json(&call.key()?, call.json(1)?)?),
        "rename" => {
            let Text(to) = call.parse(1)?;
            answer.value(&documents.rename(&call.key()?, &to)?)
        }
        "patch" => answer.value(&documents.patch(&call.key()?, call.json(1)?)?),
        "mergePatch" => answer.value(&documents.merge_patch(&call.key()?, call.json(1)?)?),
        "push" => {
            let elements: Vec<&RawValue> = call.parse(2)?;
            let elements = elements.into_iter().map(RawValue::get);
            answer.value(&documents.push_json(&call.key()?, call.parse(1)?, elements)?)
        }
        "pop" => one(answer, documents.pop_json(&call.key()?, call.parse(1)?)?),
        "trim" => answer.value(&documents.trim(&call.key()?, call.parse(1)?, call.parse(2)?)?),
        "listSet" => answer.value(&documents.list_set_json(&call.key()?, call.parse(1)?, call.json(2)?)?),
        "deleteRange" => answer.value(&documents.delete_range(&call.range()?)?),
        "expire" => answer.value(&documents.expire(&call.key()?, call.ttl(1)?)?),
        _ => answer.value(&documents.persist(&call.key()?)?),
    }
}

fn alone<F: File>(desk: &mut Desk<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match call.verb {
        "createIndex" => {
            let (collection, index) = (call.collection.clone().into_owned(), queries::index_spec(call)?);
            let (indexes, name) = (desk.database.named(&collection).indexes(), index.paths.join(", "));
            let is_new = !indexes.iter().any(|index| index.ready && index.path == name);
            desk.start(Task::CreateIndex { collection, index, is_new }, call.task_name(1)?, answer)
        }
        "scanOpen" => {
            let id = desk.client.numbers.next();
            desk.client.cursors.open(desk.database, id, &call.collection, call.range()?, answer)
        }
        "scanNext" => desk.client.cursors.next(desk.database, call.parse(0)?, answer),
        "flush" => {
            desk.database.flush()?;
            answer.done();
            Ok(())
        }
        _ => alone_rarer(desk, call, answer),
    }
}

/// The verbs of [`alone`] with which programs do not begin.
#[inline(never)]
fn alone_rarer<F: File>(desk: &mut Desk<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match call.verb {
        "dropIndex" => {
            let index = queries::index_spec(call)?;
            desk.tasks.cancel_indexes(&call.collection, Some(&index));
            answer.value(&desk.database.named_mut(&call.collection).drop_index(index)?)
        }
        "dropCollection" => {
            let name = call.name()?;
            desk.tasks.cancel_indexes(&name, None);
            answer.value(&desk.database.drop_collection(&name)?)
        }
        "exportBegin" => desk.client.exports.begin(desk.database, desk.client.numbers.next(), answer),
        "compact" => desk.start(Task::Compact(CompactProgress::default()), call.task_name(0)?, answer),
        "rotateKey" => desk.start(Task::RotateKey(RotateProgress::default()), call.task_name(0)?, answer),
        "cancel" => {
            desk.tasks.cancel(desk.database, desk.client_number, call.parse(0)?)?;
            answer.done();
            Ok(())
        }
        "snapshotOpen" => desk.client.snapshots.open(desk.database, desk.client.numbers.next(), answer),
        "snapshotScan" => {
            let (snapshot, call) = (desk.client.snapshots.get(call.parse(0)?)?, call.parse::<Call<'_>>(1)?);
            let id = desk.client.numbers.next();
            desk.client.cursors.open_at(desk.database, id, &call.collection, call.range()?, snapshot, answer)
        }
        "snapshotClose" => {
            desk.client.snapshots.close(desk.database, call.parse(0)?);
            answer.done();
            Ok(())
        }
        "txBegin" => desk.client.transactions.begin(desk.database, desk.client.numbers.next(), answer),
        "txWrite" => {
            let operation: Operation<'_> = call.parse(1)?;
            desk.client.transactions.write(call.parse(0)?, operation.add_to(Transaction::new(), &desk.attachments)?)?;
            answer.done();
            Ok(())
        }
        "txRollback" => {
            desk.client.transactions.roll_back(desk.database, call.parse(0)?);
            answer.done();
            Ok(())
        }
        "watchOpen" => {
            let watcher = desk.database.named_mut(&call.collection).watch(&call.range()?, &call.watch_options()?)?;
            desk.client.watches.open(desk.client.numbers.next(), Watched::Keys(Box::new(watcher)), answer)
        }
        "watchQuery" => {
            let mut documents = desk.database.named_mut(&call.collection);
            let query = documents.watch_query(&Query::parse(call.json(0)?)?)?;
            desk.client.watches.open(desk.client.numbers.next(), Watched::Query(Box::new(query)), answer)
        }
        "watchNext" => {
            let task = || desk.client.numbers.next();
            desk.client.watches.next(desk.database, call.parse(0)?, task, answer)
        }
        "watchClose" => {
            desk.client.ended.extend(desk.client.watches.close(call.parse(0)?));
            answer.done();
            Ok(())
        }
        verb if verb.starts_with("blob") => {
            let Client { blobs, numbers, .. } = &mut *desk.client;
            blobs.run(desk.database, &desk.attachments, numbers, call, answer)
        }
        _ => answer.value(&desk.database.check(call.parse::<CheckOptions>(0)?.full)?),
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
    fn add_to(&self, transaction: Transaction, attachments: &Attachments<'_>) -> Result<Transaction> {
        let call = &self.0;
        let transaction = transaction.named(&call.collection);
        match call.verb {
            "set" => transaction.set_raw(&call.key()?, call.raw(1)?, None),
            "setEx" => transaction.set_raw(&call.key()?, call.raw(1)?, Some(call.ttl(2)?)),
            "setBytes" => {
                let ttl = call.set_options()?.ttl;
                transaction.set_bytes(&call.key()?, attachments.of(call, 1)?, ttl)
            }
            "delete" => transaction.delete(&call.key()?),
            verb => Err(not_understood(format!("{verb:?} in a transaction"))),
        }
    }
}

/// A result that is a document, or none.
fn one(answer: &mut Answer, json: Option<String>) -> Result<()> {
    let Some(json) = json else {
        answer.done();
        return Ok(());
    };
    answer.open();
    answer.text(&json);
    answer.close();
    Ok(())
}

/// A document with its version, and when it expires in milliseconds since 1970.
fn versioned(answer: &mut Answer, document: Option<Document>) -> Result<()> {
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

/// The same of a document that may be bytes.
fn document(answer: &mut Answer, document: Option<Document>) -> Result<()> {
    match document {
        Some(document) if document.bytes.is_some() => {
            answer.bytes(document.into_bytes()?);
            Ok(())
        }
        document => one(answer, document.map(|document| document.json)),
    }
}

/// A document of several that were asked for: in an array of its own, so that one that is null differs from none.
fn perhaps(answer: &mut Answer, document: Option<Document>) -> Result<()> {
    answer.text("[");
    document.map_or(Ok(()), |document| answer.document(document, "0,"))?;
    answer.text("]");
    Ok(())
}

fn element(answer: &mut Answer, element: String) -> Result<()> {
    answer.text(&element);
    Ok(())
}

fn value(answer: &mut Answer, document: Document) -> Result<()> {
    answer.document(document, "")
}

fn entry(answer: &mut Answer, document: Document) -> Result<()> {
    answer.entry(document)
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
