//! From the verbs of the table to the methods of the crate. To add a verb, add an arm to the macro that is for it; the
//! test of the table asks for a step with each of them.

use crate::arguments::{Arguments, page, row, rows, versioned};
use crate::values::{none, perhaps};
use ferrolite::fs::File;
use ferrolite::{ActiveTransaction, Collection, Database, Document, Result, Transaction, Ttl};
use serde_json::{Value, json};

/// Stops with the answer, when the verb is one of those.
macro_rules! try_verbs {
    ($answer:expr) => {
        if let Some(answer) = $answer {
            return Ok(Some(answer));
        }
    };
}

/// The verbs that read, by a database, a collection, a snapshot or a transaction.
macro_rules! read {
    ($on:expr, $verb:expr, $args:expr) => {{
        let args: &Arguments = $args;
        match $verb {
            "get" => Some(perhaps($on.get::<Value>(args.text(0))?)),
            "getDocument" => Some(perhaps($on.get_document(args.text(0))?.map(versioned).transpose()?)),
            "getMany" => Some($on.get_many::<Value>(&args.texts(0))?.into_iter().map(perhaps).collect()),
            "has" => Some(json!($on.has(args.text(0))?)),
            "count" if args.is_query(0) => Some(json!($on.count_rows(&args.query(0)?)?)),
            "count" => Some(json!($on.count(&args.range(0))?)),
            "keys" => Some(json!($on.keys(&args.range(0))?)),
            "values" => Some(json!($on.values::<Value>(&args.range(0))?)),
            "entries" => Some(json!($on.entries::<Value>(&args.range(0))?)),
            "find" => Some(json!($on.find(args.text(0), &args.condition(1)?, &args.find_options(2))?)),
            "findPage" => Some(json!($on.find_page(args.text(0), &args.condition(1)?, &args.find_options(2))?)),
            "query" => Some(rows(&$on.query(&args.query(0)?)?)?),
            "queryPage" => Some(page(&$on.query_page(&args.query(0)?)?)?),
            "findOne" => Some(perhaps($on.find_one(&args.query(0)?)?.as_ref().map(row).transpose()?)),
            _ => None,
        }
    }};
}

/// What a collection reads besides, now or as it was.
macro_rules! look {
    ($on:expr, $verb:expr, $args:expr) => {{
        let args: &Arguments = $args;
        match $verb {
            "scan" => Some(scanned($on.scan(&args.range(0))?)?),
            _ => None,
        }
    }};
}

/// What a collection reads besides, as it is now.
macro_rules! look_now {
    ($on:expr, $verb:expr, $args:expr) => {{
        let args: &Arguments = $args;
        match $verb {
            "explain" => Some(json!($on.explain(&args.query(0)?)?)),
            "indexes" => Some(json!($on.indexes())),
            "ttl" => Some(seconds($on.ttl(args.text(0))?)),
            "length" => Some(json!($on.list_length(args.text(0))?)),
            "range" => Some(json!($on.list_range::<Value>(args.text(0), args.index_in(1), args.index_in(2))?)),
            _ => None,
        }
    }};
}

/// The verbs that write, by a database or a collection.
macro_rules! write {
    ($on:expr, $verb:expr, $args:expr) => {{
        let args: &Arguments = $args;
        match $verb {
            "set" => Some(json!(match (args.conditions(2)?, args.ttl_option(2)?) {
                (Some(options), _) => $on.set_json_with(args.text(0), &args.json(1), options)?,
                (None, Some(ttl)) => $on.set_ex_json(args.text(0), &args.json(1), ttl)?,
                (None, None) => $on.set(args.text(0), args.given(1))?,
            })),
            "setEx" => Some(json!($on.set_ex(args.text(0), args.given(1), args.ttl(2)?)?)),
            "setMany" if args.value(1).is_none() => Some(json!($on.set_many(pairs(args.given(0)))?)),
            "increment" => Some(json!($on.increment(args.text(0), args.by(1))?)),
            "compareAndSwap" => {
                let (expected, next) = (args.perhaps_json(1), args.perhaps_json(2));
                Some(json!($on.compare_and_swap_json(args.text(0), expected.as_deref(), next.as_deref())?))
            }
            "getAndSet" => {
                let old = $on.get_and_set_json(args.text(0), &args.json(1))?;
                Some(old.map_or_else(none, |text| serde_json::from_str(&text).expect("a document is JSON")))
            }
            "rename" => Some(json!($on.rename(args.text(0), args.text(1))?)),
            "patch" => Some(json!($on.patch(args.text(0), &args.json(1))?)),
            "mergePatch" => Some(json!($on.merge_patch(args.text(0), &args.json(1))?)),
            "delete" => Some(json!($on.delete(args.text(0))?)),
            "deleteRange" => Some(json!($on.delete_range(&args.range(0))?)),
            "createIndex" => Some(json!($on.create_index(args.index(0)?)?)),
            "dropIndex" => Some(json!($on.drop_index(args.index(0)?)?)),
            "push" => Some(json!($on.push(args.text(0), args.end(1), args.rest(2))?)),
            "pop" => Some(perhaps($on.pop::<Value>(args.text(0), args.end(1))?)),
            "trim" => Some(json!($on.trim(args.text(0), args.index_in(1), args.index_in(2))?)),
            "setElement" => Some(json!($on.list_set(args.text(0), args.index_in(1), args.given(2))?)),
            "expire" => Some(json!($on.expire(args.text(0), args.ttl(1)?)?)),
            "persist" => Some(json!($on.persist(args.text(0))?)),
            _ => None,
        }
    }};
}

/// A verb on the default collection, or about the whole database. `None` when there is no such verb.
pub fn on_database<F: File>(db: &mut Database<F>, verb: &str, args: &Arguments) -> Result<Option<Value>> {
    try_verbs!(read!(db, verb, args));
    try_verbs!(look!(db, verb, args));
    try_verbs!(look_now!(db, verb, args));
    try_verbs!(write!(db, verb, args));
    Ok(Some(match verb {
        // With a time to live, it is what a transaction is for.
        "setMany" => json!(db.commit(set_all(Transaction::new(), args)?)?),
        "collections" => json!(db.collections()),
        "dropCollection" => json!(db.drop_collection(args.text(0))?),
        "stats" => json!(db.stats()),
        "check" => json!(db.check(args.value(0).is_some_and(|options| options["full"] == json!(true)))?),
        "flush" => db.flush().map(|()| none())?,
        "compact" => db.compact().map(|()| none())?,
        _ => return Ok(None),
    }))
}

/// A verb on the collection `name`.
pub fn on_collection<F: File>(db: &mut Database<F>, name: &str, verb: &str, args: &Arguments) -> Result<Option<Value>> {
    // One that writes nothing is asked by the way that only reads, too.
    {
        let on = db.collection(name)?;
        try_verbs!(read!(on, verb, args));
        try_verbs!(look_now!(on, verb, args));
    }
    if verb == "setMany" && args.value(1).is_some() {
        let transaction = set_all(Transaction::new().collection(name)?, args)?;
        return db.commit(transaction).map(|version| Some(json!(version)));
    }
    let mut on = db.collection_mut(name)?;
    try_verbs!(look!(on, verb, args));
    Ok(write!(on, verb, args))
}

/// A verb on a snapshot of a collection.
pub fn on_snapshot<F: File>(
    collection: &Collection<&Database<F>>,
    verb: &str,
    args: &Arguments,
) -> Result<Option<Value>> {
    try_verbs!(read!(collection, verb, args));
    Ok(look!(collection, verb, args))
}

/// A verb in a transaction.
pub fn in_transaction<F: File>(
    tx: &mut ActiveTransaction<'_, F>,
    verb: &str,
    args: &Arguments,
) -> Result<Option<Value>> {
    try_verbs!(read!(tx, verb, args));
    match (verb, args.0.len()) {
        ("set", 3) => match args.ttl_option(2)? {
            Some(ttl) => tx.set_ex_json(args.text(0), &args.json(1), ttl)?,
            None => tx.set_json(args.text(0), &args.json(1))?,
        },
        ("set", _) => tx.set(args.text(0), args.given(1))?,
        ("setEx", _) => tx.set_ex(args.text(0), args.given(1), args.ttl(2)?)?,
        ("delete", _) => tx.delete(args.text(0))?,
        _ => return Ok(None),
    }
    Ok(Some(none()))
}

/// A write is added to what `commit` is given. `None` when there is no such verb.
pub fn in_commit(transaction: Transaction, verb: &str, args: &Arguments) -> Result<Option<Transaction>> {
    Ok(Some(match (verb, args.0.len()) {
        ("set", 3) => match args.ttl_option(2)? {
            Some(ttl) => transaction.set_ex_json(args.text(0), &args.json(1), ttl)?,
            None => transaction.set_json(args.text(0), &args.json(1))?,
        },
        ("set", _) => transaction.set(args.text(0), args.given(1))?,
        ("setEx", _) => transaction.set_ex(args.text(0), args.given(1), args.ttl(2)?)?,
        ("delete", _) => transaction.delete(args.text(0))?,
        _ => return Ok(None),
    }))
}

fn pairs(entries: &Value) -> Vec<(String, Value)> {
    serde_json::from_value(entries.clone()).expect("pairs of keys and documents")
}

fn set_all(transaction: Transaction, args: &Arguments) -> Result<Transaction> {
    let ttl = args.ttl_option(1)?.expect("a time to live");
    pairs(args.given(0)).iter().try_fold(transaction, |transaction, (key, value)| transaction.set_ex(key, value, ttl))
}

fn scanned(documents: impl Iterator<Item = Result<Document>>) -> Result<Value> {
    documents
        .map(|document| {
            let document = document?;
            Ok(json!([document.key, document.parse::<Value>()?]))
        })
        .collect()
}

fn seconds(ttl: Ttl) -> Value {
    match ttl {
        Ttl::Missing => none(),
        Ttl::Forever => Value::Null,
        Ttl::Left(left) => json!(left.as_secs_f64()),
    }
}

/// The verbs that have an arm here, by the text of this file.
pub fn verbs() -> Vec<&'static str> {
    let arm = |line: &'static str| {
        let line = line.trim_start().trim_start_matches('(').strip_prefix('"')?;
        let (verb, rest) = line.split_once('"')?;
        (rest.contains("=>")).then_some(verb)
    };
    include_str!("dispatch.rs").lines().filter_map(arm).collect()
}
