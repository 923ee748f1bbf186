//! The work of LevelDB's db_bench.

use std::time::Instant;

use anyhow::Result;

use super::{Columns, Table};
use crate::documents::{Random, document, ordered_key};
use crate::measure::{Found, Run};
use crate::store::{Change, Store};

pub const TABLE: Table = Table {
    id: "db_bench",
    title: "The work of LevelDB's db_bench",
    about: "Documents of about 300 bytes, a document a commit. Only fillsync flushes its commits (fdatasync); all others are \
            written without a flush. All is done by one thread: readwhilewriting is nine reads and a write in turn. Before the reads each has the idle time that it \
            needs for maintenance.",
    columns: Columns::Databases,
    most_runs: usize::MAX,
    work,
};

fn work(run: &mut Run) -> Result<()> {
    let (count, reads) = (run.plan.documents, run.plan.reads);
    let documents: Vec<_> = (0..count as u64).map(|index| (ordered_key(index), document(index))).collect();
    let mut random = Random::new(301);
    let mut shuffled =
        |count: usize| -> Vec<usize> { (0..count).map(|_| random.below(documents.len() as u64) as usize).collect() };
    let put = |store: &mut dyn Store, key: usize, json: usize| {
        store.commit(&[Change::Put(&documents[key].0, &documents[json].1)])
    };

    let mut store = run.create(false)?;
    run.time("fillseq", "us", count, || (0..count).try_for_each(|index| put(&mut *store, index, index)))?;
    run.check_content("fillseq", &mut *store)?;
    run.discard(store)?;

    let mut store = run.create(true)?;
    let order = shuffled(run.plan.durable_commits);
    run.time("fillsync", "us", order.len(), || order.iter().try_for_each(|&index| put(&mut *store, index, index)))?;
    run.discard(store)?;

    let mut store = run.create(false)?;
    let order = shuffled(count);
    run.time("fillbatch, 1,000 a commit", "us", count, || {
        order.chunks(1000).try_for_each(|chunk| {
            let changes: Vec<_> = chunk.iter().map(|&at| Change::Put(&documents[at].0, &documents[at].1)).collect();
            store.commit(&changes)
        })
    })?;
    run.check_content("fillbatch", &mut *store)?;
    run.discard(store)?;

    let mut store = run.create(false)?;
    run.time("fillrandom", "us", count, || order.iter().try_for_each(|&index| put(&mut *store, index, index)))?;
    let order = shuffled(count);
    run.time("overwrite", "us", count, || {
        order.iter().try_for_each(|&index| put(&mut *store, index, (index + 7) % count))
    })?;
    run.check_content("overwrite", &mut *store)?;
    let start = Instant::now();
    if store.settle()? {
        run.figure("maintenance while idle, before the reads", "ms", start.elapsed().as_secs_f64() * 1e3);
    }
    read(run, &mut *store, &documents, &shuffled(reads))?;

    let order = shuffled(reads);
    let mut found = Found::default();
    run.time("readwhilewriting", "us", reads, || {
        for (turn, &index) in order.iter().enumerate() {
            if turn % 10 == 9 {
                put(&mut *store, index, (index + 11) % count)?;
            } else {
                store.read_one(&mut |reader| found.get(reader, &documents[index].0))?;
            }
        }
        Ok(())
    })?;
    run.check("readwhilewriting", found.sum);

    let live = load_size(&mut *store)?;
    run.time("compact", "ms", 1000, || store.compact())?;
    run.figure("file after it and closing, for each byte", "bytes", {
        store.close()?;
        run.bytes_on_disk()? as f64 / live
    });
    let start = Instant::now();
    let mut store = run.open(false)?;
    let mut found = Found::default();
    store.read_one(&mut |reader| found.get(reader, &documents[order[0]].0))?;
    run.figure("open and read one", "us", start.elapsed().as_secs_f64() * 1e6);
    run.check("open and read one", found.sum);
    let order = shuffled(reads);
    let mut found = Found::default();
    run.time("readrandom, compacted", "us", reads, || {
        store.read(&mut |reader| order.iter().try_for_each(|&index| found.get(reader, &documents[index].0)))
    })?;
    run.check("readrandom, compacted", found.sum);
    let mut found = Found::default();
    run.time("seekrandom, compacted", "us", reads, || {
        store.read(&mut |reader| order.iter().try_for_each(|&index| found.scan(reader, &documents[index].0, 1)))
    })?;
    run.check("seekrandom, compacted", found.sum);
    run.discard(store)
}

/// All that reads and changes nothing.
fn read(run: &mut Run, store: &mut dyn Store, documents: &[(String, String)], order: &[usize]) -> Result<()> {
    let reads = order.len();
    let mut found = Found::default();
    run.time("readrandom", "us", reads, || {
        store.read(&mut |reader| order.iter().try_for_each(|&index| found.get(reader, &documents[index].0)))
    })?;
    run.check("readrandom", found.sum);

    let mut found = Found::default();
    run.time("readrandom, a transaction each", "us", reads, || {
        order.iter().try_for_each(|&index| store.read_one(&mut |reader| found.get(reader, &documents[index].0)))
    })?;
    run.check("readrandom, a transaction each", found.sum);

    let missing: Vec<String> = order.iter().map(|&index| format!("{}.", documents[index].0)).collect();
    let mut found = Found::default();
    run.time("readmissing", "us", reads, || {
        store.read(&mut |reader| missing.iter().try_for_each(|key| found.get(reader, key)))
    })?;
    run.check("readmissing", found.documents);

    let mut found = Found::default();
    let hot = documents.len().div_ceil(100);
    run.time("readhot", "us", reads, || {
        store.read(&mut |reader| order.iter().try_for_each(|&index| found.get(reader, &documents[index % hot].0)))
    })?;
    run.check("readhot", found.sum);

    let mut found = Found::default();
    run.time("seekrandom", "us", reads, || {
        store.read(&mut |reader| order.iter().try_for_each(|&index| found.scan(reader, &documents[index].0, 1)))
    })?;
    run.check("seekrandom", found.sum);

    let mut found = Found::default();
    run.time("readseq", "us/document", documents.len(), || {
        store.read(&mut |reader| found.scan(reader, "", usize::MAX >> 1))
    })?;
    run.check("readseq", found.sum);
    Ok(())
}

/// Bytes of all keys and documents.
fn load_size(store: &mut dyn Store) -> Result<f64> {
    let mut bytes = 0;
    store.read(&mut |reader| reader.scan("", usize::MAX >> 1, &mut |key, json| bytes += key.len() + json.len()))?;
    Ok(bytes as f64)
}
