//! The work of feoxdb's own benchmarks, in a file and in memory, and the hot path: one key that is read or written.

use anyhow::Result;

use super::{Columns, Table};
use crate::documents::{Random, ordered_key};
use crate::measure::{Found, Run, load};
use crate::store::{Change, Store};
use crate::subjects;

pub const IN_FILE: Table = Table {
    id: "feoxdb-bench",
    title: "The work of feoxdb's own benchmarks, in a file",
    about: "Documents are strings of 64, 1,024 and 4,096 bytes, and keys are made before the clock runs. Commits are flushed every \
            100 ms, which is feoxdb's default, or before they return where the row says so. feoxdb has no transactions: of the \
            hundred that share a flush, a crash may keep some.",
    columns: Columns::Own(&[subjects::FERROLITE_PERIODIC, subjects::FEOXDB]),
    most_runs: usize::MAX,
    work: |run| work(run, true),
};

pub const IN_MEMORY: Table = Table {
    id: "feoxdb-memory",
    title: "The work of feoxdb's own benchmarks, in memory",
    about: "The same without a file, as feoxdb's own benchmarks do it: nothing is kept.",
    columns: Columns::Own(&[subjects::FERROLITE_IN_MEMORY, subjects::FEOXDB_IN_MEMORY]),
    work: |run| work(run, false),
    ..IN_FILE
};

const DOCUMENTS: u64 = 10_000;

fn text(len: usize) -> String {
    format!("\"{}\"", "x".repeat(len - 2))
}

fn work(run: &mut Run, in_file: bool) -> Result<()> {
    let reads = run.plan.reads * 2;
    let pairs: Vec<_> = (0..DOCUMENTS).map(|index| (ordered_key(index), text(64))).collect();
    let mut store = run.create(false)?;
    load(&mut *store, &pairs, 1)?;
    let mut random = Random::new(11);
    let sequential: Vec<u64> = (0..reads as u64).map(|read| read % DOCUMENTS).collect();
    let uniform: Vec<u64> = (0..reads).map(|_| random.below(DOCUMENTS)).collect();
    let hot: Vec<u64> = (0..reads)
        .map(|_| if random.below(10) < 9 { random.below(1000) } else { 1000 + random.below(DOCUMENTS - 1000) })
        .collect();
    let one = vec![4711; reads];
    for (name, order) in [
        ("get, in order", sequential),
        ("get, random", uniform),
        ("get, 90 % of a tenth", hot),
        ("get, one key over and over", one),
    ] {
        let mut found = Found::default();
        run.time(name, "us", reads, || {
            store.read(&mut |reader| order.iter().try_for_each(|&index| found.get(reader, &pairs[index as usize].0)))
        })?;
        run.check(name, found.sum);
    }
    let writes = run.plan.reads / 2;
    let order: Vec<u64> = (0..writes).map(|_| random.below(DOCUMENTS)).collect();
    run.time("set, 64 bytes, of a key that is there", "us", writes, || {
        order.iter().try_for_each(|&index| store.commit(&[Change::Put(&pairs[index as usize].0, &pairs[0].1)]))
    })?;
    run.time("set, 64 bytes, one key over and over", "us", writes, || {
        (0..writes).try_for_each(|_| store.commit(&[Change::Put(&pairs[4711].0, &pairs[0].1)]))
    })?;
    mixed(run, &mut *store, &mut random)?;
    run.check_content("at the end", &mut *store)?;
    run.discard(store)?;

    for (len, count) in [(64, writes), (1024, writes), (4096, writes / 5)] {
        let pairs: Vec<_> = (0..count as u64).map(|index| (ordered_key(index), text(len))).collect();
        let mut store = run.create(false)?;
        run.time(&format!("insert, {len} bytes"), "us", count, || load(&mut *store, &pairs, 1))?;
        if len == 64 {
            run.time("delete", "us", count, || {
                pairs.iter().try_for_each(|(key, _)| store.commit(&[Change::Delete(key)]))
            })?;
        }
        run.check_content(&format!("{len} bytes"), &mut *store)?;
        run.discard(store)?;
    }
    if in_file {
        let commits = run.plan.durable_commits;
        let mut store = run.create(true)?;
        run.sample("insert and flush, 64 bytes", commits, |index| {
            store.commit(&[Change::Put(&pairs[index].0, &pairs[index].1)])
        })?;
        run.sample("write over and flush, 64 bytes", commits, |index| {
            store.commit(&[Change::Put(&pairs[index].0, &pairs[index].1)])
        })?;
        run.time("insert, 64 bytes, a flush for 100", "us", 5000, || {
            for chunk in pairs[..5000].chunks(100) {
                let changes: Vec<_> = chunk.iter().map(|(key, json)| Change::Put(key, json)).collect();
                store.commit(&changes)?;
            }
            Ok(())
        })?;
        run.check_content("flushed", &mut *store)?;
        run.discard(store)?;
    }
    Ok(())
}

/// 80 % reads, 15 % inserts, 5 % deletions.
fn mixed(run: &mut Run, store: &mut dyn Store, random: &mut Random) -> Result<()> {
    let count = run.plan.reads;
    let document = text(256);
    let operations: Vec<(u64, String)> = (0..count as u64)
        .map(|turn| {
            let share = random.below(100);
            (share, ordered_key(if (80..95).contains(&share) { DOCUMENTS + turn } else { random.below(DOCUMENTS) }))
        })
        .collect();
    let mut found = Found::default();
    run.time("80 % get, 15 % insert, 5 % delete", "us", count, || {
        for (share, key) in &operations {
            match share {
                0..80 => store.read_one(&mut |reader| found.get(reader, key))?,
                80..95 => store.commit(&[Change::Put(key, &document)])?,
                _ => store.commit(&[Change::Delete(key)])?,
            }
        }
        Ok(())
    })?;
    run.check("mixed", found.sum);
    Ok(())
}
