//! Queries find what comparing all documents one by one finds: with any indexes, before and after compaction and reopening.

mod draw;
mod naive;

use draw::Dice;
use ferrolite::fs::{Memory, MemoryFile};
use ferrolite::{Database, Error, Options, Query, Transaction};
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Documents = BTreeMap<String, Value>;

/// Databases of random documents; each is asked four times as often as this, in four states.
const DATABASES: u64 = if cfg!(target_os = "wasi") { 5 } else { 50 };
const QUERIES: usize = 500;

fn open(fs: &Memory) -> Database<MemoryFile> {
    let options = Options { memtable_size: 16 << 10, page_size: 1024, ..Options::default() };
    pollster::block_on(Database::open(fs, "db", options)).unwrap()
}

/// The query, unless it is one that is refused: bounds of two types, or two of one side.
fn parse(query: &Value) -> Option<Query> {
    match Query::parse(&query.to_string()) {
        Ok(query) => Some(query),
        Err(Error::InvalidCondition { reason }) => {
            assert!(reason.contains("mixes types") || reason.contains("has both"), "{query}: {reason}");
            None
        }
        Err(error) => panic!("{query}: {error}"),
    }
}

/// Asks a query in several ways.
fn ask(db: &Database<MemoryFile>, documents: &Documents, dice: &mut Dice) -> bool {
    let json = draw::query(dice);
    let Some(query) = parse(&json) else { return false };
    let expected = naive::rows(&json, documents.iter());
    let told = || format!("{json} {:?}", db.explain(&query));
    let (offset, limit) = (dice.below(4) as u64, 1 + dice.below(12) as u64);
    let part = || expected.iter().skip(offset as usize).take(limit as usize);
    match dice.below(6) {
        0 | 1 => {
            let page = db.query_page(&query).unwrap_or_else(|error| panic!("{error} {}", told()));
            let keys: Vec<_> = page.rows.iter().map(|row| &row.key).collect();
            assert_eq!(keys, expected, "{}", told());
            assert_eq!(page.cursor, None);
            for row in &page.rows {
                assert_eq!(row.parse::<Value>().unwrap(), documents[&row.key]);
            }
        }
        2 => {
            let paths = draw::selection(dice);
            let selected = paths.as_array().unwrap().iter().map(|path| path.as_str().unwrap());
            let page = db.query_page(&query.clone().offset(offset).limit(limit).select(selected)).unwrap();
            let keys: Vec<_> = page.rows.iter().map(|row| &row.key).collect();
            assert!(keys.iter().eq(part()), "{keys:?} {:?} {}", part().collect::<Vec<_>>(), told());
            assert_eq!(page.cursor.is_some(), expected.len() as u64 > offset + limit, "{}", told());
            for row in &page.rows {
                assert_eq!(row.parse::<Value>().unwrap(), naive::select(&paths, &documents[&row.key]));
            }
        }
        3 => {
            assert_eq!(db.count_rows(&query).unwrap(), expected.len() as u64, "{}", told());
            let few = query.clone().offset(offset).limit(limit);
            assert_eq!(db.count_rows(&few).unwrap(), part().count() as u64, "{}", told());
        }
        4 => {
            let (mut found, mut next) = (Vec::new(), query.clone().limit(limit));
            loop {
                let page = db.query_page(&next).unwrap();
                found.extend(page.rows.into_iter().map(|row| row.key));
                let Some(cursor) = page.cursor else { break };
                next = next.after(cursor);
            }
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "pages of {limit}: {}", told());
        }
        _ => {
            let explained = db.explain(&query).unwrap();
            assert_eq!(explained.rows_returned, expected.len() as u64, "{}", told());
            let first = db.find_one(&query).unwrap();
            assert_eq!(first.as_ref().map(|row| &row.key), expected.first().copied(), "{}", told());
        }
    }
    true
}

/// Asks a query in a transaction that has written something.
fn ask_in_transaction(db: &mut Database<MemoryFile>, documents: &Documents, dice: &mut Dice) {
    let (mut open, mut seen) = (db.begin().unwrap(), documents.clone());
    for _ in 0..dice.below(6) {
        let key = key(dice);
        if dice.chance(3) {
            open.on(db).delete(&key).unwrap();
            seen.remove(&key);
        } else {
            let document = draw::document(dice);
            open.on(db).set(&key, &document).unwrap();
            seen.insert(key, document);
        }
    }
    for _ in 0..4 {
        let json = draw::query(dice);
        let Some(query) = parse(&json) else { continue };
        let expected = naive::rows(&json, seen.iter());
        let limit = 1 + dice.below(20) as u64;
        let page = open.on(db).query_page(&query.clone().limit(limit)).unwrap();
        let keys: Vec<_> = page.rows.iter().map(|row| &row.key).collect();
        assert!(keys.iter().eq(expected.iter().take(limit as usize)), "{keys:?} {expected:?} {json}");
        assert_eq!(open.on(db).count_rows(&query).unwrap(), expected.len() as u64, "{json}");
    }
    db.roll_back(open);
}

fn key(dice: &mut Dice) -> String {
    format!("key{}", dice.below(140))
}

/// Some documents are written, overwritten and deleted.
fn write(db: &mut Database<MemoryFile>, documents: &mut Documents, dice: &mut Dice, count: usize) {
    for _ in 0..count {
        let key = key(dice);
        if dice.chance(5) {
            db.delete(&key).unwrap();
            documents.remove(&key);
        } else {
            let document = draw::document(dice);
            db.commit(Transaction::new().set(&key, &document).unwrap()).unwrap();
            documents.insert(key, document);
        }
    }
}

#[test]
fn queries_find_what_comparing_all_documents_finds() {
    let (mut asked, mut by_index) = (0, 0);
    for seed in 0..DATABASES {
        let (fs, mut dice, mut documents) = (Memory::new(), Dice::new(seed), Documents::new());
        let mut db = open(&fs);
        let count = 20 + dice.below(160);
        write(&mut db, &mut documents, &mut dice, count);
        for state in 0..4 {
            match state {
                0 => {}
                1 => {
                    for index in draw::indexes(&mut dice) {
                        db.create_index(index).unwrap();
                    }
                    write(&mut db, &mut documents, &mut dice, 30);
                }
                2 => db.compact().unwrap(),
                _ => {
                    write(&mut db, &mut documents, &mut dice, 10);
                    db.close().unwrap();
                    db = open(&fs);
                }
            }
            let mut left = QUERIES;
            while left > 0 {
                left -= usize::from(ask(&db, &documents, &mut dice));
            }
            asked += QUERIES;
            for _ in 0..5 {
                ask_in_transaction(&mut db, &documents, &mut dice);
                let explained = db.explain(&parse(&json!({"where": {"a": dice.below(4)}})).unwrap()).unwrap();
                by_index += u64::from(explained.index.is_some());
            }
        }
        let report = db.check(true).unwrap();
        assert!(report.is_ok(), "{:?}", report.problems);
    }
    assert_eq!(asked as u64, DATABASES * 4 * QUERIES as u64);
    assert!(by_index > DATABASES, "indexes are used: {by_index}");
}
