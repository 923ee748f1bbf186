//! The work of FerrumDB's own benchmarks. Its documents are `serde_json::Value`s, its calls are asynchronous, and so each of
//! the two has its own code here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ferrolite::fs::Std;
use ferrolite::{Condition, Database, Durability, FindOptions, Options};
use ferrumdb::{Config, FerrumDB, FsyncPolicy};
use serde_json::{Value, json};

use super::{Columns, Table};
use crate::measure::Run;
use crate::store::Subject;
use crate::subjects;

pub const TABLE: Table = Table {
    id: "ferrumdb-bench",
    title: "The work of FerrumDB's own benchmarks",
    about: "Documents are built as serde_json::Value and handed over and back as such. Periodic is a flush every 100 ms, FerrumDB's \
            default. A hundred at once are tasks of tokio for FerrumDB, and one group for Ferrolite.",
    columns: Columns::Own(&[subjects::FERROLITE, FERRUMDB]),
    most_runs: usize::MAX,
    work,
};

const FERRUMDB: Subject = Subject {
    name: "FerrumDB",
    package: "ferrumdb",
    settings: "FsyncPolicy::Always, Periodic(100 ms) or Never; tokio's multi-threaded runtime, one block_on around each measurement",
    ..subjects::FERROLITE
};

fn work(run: &mut Run) -> Result<()> {
    run.create_directory()?;
    if run.subject.name == FERRUMDB.name {
        tokio::runtime::Runtime::new()?.block_on(ferrumdb(run))
    } else {
        ferrolite(run)
    }
}

const OPEN: &str = "open, set one, get it";
const INDEX: &str = "index of 100 documents: build, and find 50";
const TOGETHER: &str = "100 sets at once, periodic";
const POLICIES: [(&str, usize); 3] = [("set, flushed", 200), ("set, periodic", 2000), ("set, never flushed", 2000)];

fn small(index: usize) -> Value {
    json!({"value": index})
}

fn user(index: usize) -> Value {
    json!({"name": format!("user{index}"), "role": if index.is_multiple_of(2) { "admin" } else { "user" }})
}

fn microseconds(start: Instant, count: usize) -> f64 {
    start.elapsed().as_secs_f64() * 1e6 / count as f64
}

fn ferrolite(run: &mut Run) -> Result<()> {
    let fs = Std::new(run.path());
    let open = |name: &str, durability| {
        pollster::block_on(Database::open(&fs, name, Options { durability, ..Options::default() }))
    };
    let periodic = Durability::Periodic { interval_ms: 100 };
    let start = Instant::now();
    let mut db = open("new.ferrolite", periodic)?;
    db.set("key", &small(42))?;
    let value: Option<Value> = db.get("key")?;
    run.figure(OPEN, "us", microseconds(start, 1));
    ensure!(value == Some(small(42)), "the document is another one");

    let keys: Vec<String> = (0..2000).map(|index| format!("key_{index}")).collect();
    for ((name, count), durability) in POLICIES.into_iter().zip([Durability::Always, periodic, Durability::Never]) {
        let mut db = open(&format!("{count}{durability}.ferrolite").replace(':', ""), durability)?;
        let start = Instant::now();
        for (index, key) in keys[..count].iter().enumerate() {
            db.set(key, &small(index))?;
        }
        run.figure(name, "us", microseconds(start, count));
        let start = Instant::now();
        for (index, key) in keys[..count].iter().enumerate() {
            ensure!(db.get::<Value>(key)? == Some(small(index)), "the document is another one");
        }
        run.figure(name.replace("set", "get, of what was set"), "us", microseconds(start, count));
        db.close()?;
    }

    let mut db = open("together.ferrolite", periodic)?;
    let start = Instant::now();
    db.group(|db| (0..100).try_for_each(|index| db.set(&format!("k{index}"), &json!({"v": index})).map(drop)))??;
    run.figure(TOGETHER, "us/set", microseconds(start, 100));
    ensure!(db.get::<Value>("k99")? == Some(json!({"v": 99})), "the document is another one");

    let mut db = open("indexed.ferrolite", periodic)?;
    for index in 0..100 {
        db.set(&format!("user_{index}"), &user(index))?;
    }
    let start = Instant::now();
    db.create_index("role")?;
    let keys = db.find("role", &Condition::equals("admin")?, &FindOptions::default())?;
    run.figure(INDEX, "us", microseconds(start, 1));
    ensure!(keys.len() == 50, "{} keys were found", keys.len());
    Ok(())
}

async fn ferrumdb(run: &mut Run<'_>) -> Result<()> {
    let directory = run.path();
    let open = |name: &str, policy| {
        FerrumDB::open(Config { path: directory.join(name), fsync_policy: policy, ..Config::default() })
    };
    let periodic = || FsyncPolicy::Periodic(Duration::from_millis(100));
    let start = Instant::now();
    let db = open("new.db", periodic()).await?;
    db.set("key".into(), small(42)).await?;
    let value = db.get("key").await;
    run.figure(OPEN, "us", microseconds(start, 1));
    ensure!(value == Some(small(42)), "the document is another one");

    let keys: Vec<String> = (0..2000).map(|index| format!("key_{index}")).collect();
    for ((name, count), policy) in POLICIES.into_iter().zip([FsyncPolicy::Always, periodic(), FsyncPolicy::Never]) {
        let db = open(&name.replace([',', ' '], ""), policy).await?;
        let start = Instant::now();
        for (index, key) in keys[..count].iter().enumerate() {
            db.set(key.clone(), small(index)).await?;
        }
        run.figure(name, "us", microseconds(start, count));
        let start = Instant::now();
        for (index, key) in keys[..count].iter().enumerate() {
            ensure!(db.get(key).await == Some(small(index)), "the document is another one");
        }
        run.figure(name.replace("set", "get, of what was set"), "us", microseconds(start, count));
    }

    let db = Arc::new(open("together.db", periodic()).await?);
    let start = Instant::now();
    let mut tasks = Vec::new();
    for index in 0..100 {
        let db = Arc::clone(&db);
        tasks.push(tokio::spawn(async move { db.set(format!("k{index}"), json!({"v": index})).await.map(drop) }));
    }
    for task in tasks {
        task.await??;
    }
    run.figure(TOGETHER, "us/set", microseconds(start, 100));
    ensure!(db.get("k99").await == Some(json!({"v": 99})), "the document is another one");

    let db = open("indexed.db", periodic()).await?;
    for index in 0..100 {
        db.set(format!("user_{index}"), user(index)).await?;
    }
    let start = Instant::now();
    db.create_index("role").await?;
    let keys = db.find("role", &json!("admin")).await;
    run.figure(INDEX, "us", microseconds(start, 1));
    ensure!(keys.len() == 50, "{} keys were found", keys.len());
    Ok(())
}
