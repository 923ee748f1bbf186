//! What is written and what is kept: bytes, calls, memory.

use anyhow::{Context, Result};

use super::{Columns, Table};
use crate::documents::{Random, document, scattered_key};
use crate::measure::{Found, Run, load};
use crate::plan::Plan;
use crate::store::{Change, Setup, Store};

pub const TABLE: Table = Table {
    id: "space",
    title: "What is written, and what is kept",
    about: "Documents of about 300 bytes, keys in random order, commits of 1,000 that are flushed. Bytes and calls are what the \
            process wrote, as the system counts them, and all of them are for each byte of keys and documents. Files are \
            measured while the database is open, which is when space is kept for later; memory is the peak of a process of its \
            own, without that of the program.",
    columns: Columns::Databases,
    most_runs: 3,
    work,
};

/// What the process has written: bytes and calls. Only Linux tells.
fn written() -> Option<(f64, f64)> {
    let text = std::fs::read_to_string("/proc/self/io").ok()?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
    Some((field("wchar:")?, field("syscw:")?))
}

fn work(run: &mut Run) -> Result<()> {
    let count = run.plan.documents;
    let documents: Vec<_> = (0..count as u64).map(|index| (scattered_key(index), document(index))).collect();
    let bytes = documents.iter().map(|(key, json)| key.len() + json.len()).sum::<usize>() as f64;

    // Durable, since some keep what need not be on the disk in memory only, and have no file to speak of.
    let mut store = run.create(true)?;
    let before = written();
    load(&mut *store, &documents, 1000)?;
    run.figure("file after a load, 1,000 a commit", "bytes/byte", run.bytes_on_disk()? as f64 / bytes);
    let mut random = Random::new(17);
    for turn in 1..=3 {
        for _ in 0..count / 1000 {
            let chosen: Vec<usize> = (0..1000).map(|_| random.below(count as u64) as usize).collect();
            let changes: Vec<_> = chosen
                .iter()
                .map(|&index| Change::Put(&documents[index].0, &documents[(index + turn) % count].1))
                .collect();
            store.commit(&changes)?;
        }
        run.figure(
            format!("file after overwriting {turn} x as much"),
            "bytes/byte",
            run.bytes_on_disk()? as f64 / bytes,
        );
    }
    for half in documents[..count / 2].chunks(1000) {
        let changes: Vec<Change> = half.iter().map(|(key, _)| Change::Delete(key)).collect();
        store.commit(&changes)?;
    }
    run.figure("file after deleting half", "bytes/byte", run.bytes_on_disk()? as f64 / (bytes / 2.0));
    store.compact()?;
    run.figure("file after compacting", "bytes/byte", run.bytes_on_disk()? as f64 / (bytes / 2.0));
    store.close()?;
    run.figure("file after closing", "bytes/byte", run.bytes_on_disk()? as f64 / (bytes / 2.0));
    let mut store = run.open(false)?;
    run.check_content("at the end", &mut *store)?;
    run.discard(store)?;
    if let (Some(before), Some(after)) = (before, written()) {
        run.figure("written in all this, for each byte stored", "bytes/byte", (after.0 - before.0) / (bytes * 4.0));
    }

    let commits = run.plan.durable_commits;
    let mut store = run.create(true)?;
    load(&mut *store, &documents[..commits], 1000)?;
    let before = written();
    // Other documents under the same keys: SQLite does not write what is there already.
    for index in 0..commits {
        store.commit(&[Change::Put(&documents[index].0, &documents[index + commits].1)])?;
    }
    if let (Some(before), Some(after)) = (before, written()) {
        let bytes = documents[..commits].iter().map(|(key, json)| key.len() + json.len()).sum::<usize>() as f64;
        run.figure("written by durable commits of one document", "bytes/byte", (after.0 - before.0) / bytes);
        run.figure("calls that write, for such a commit", "calls", (after.1 - before.1) / commits as f64);
    }
    run.discard(store)?;
    if cfg!(not(target_os = "wasi")) {
        run.figure("peak memory, load and random reads", "MB", peak_of_another_process(run)?);
    }
    Ok(())
}

/// Runs [`memory`] in a process of its own.
fn peak_of_another_process(run: &Run) -> Result<f64> {
    let output = std::process::Command::new(std::env::current_exe()?)
        .args(["--memory-of", run.subject.name, "--directory"])
        .arg(run.plan.directory.join("memory"))
        .args(["--documents", &run.plan.documents.to_string(), "--cache", &(run.plan.cache >> 20).to_string()])
        .output()?;
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .with_context(|| format!("the peak of memory: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The peak of this process's memory while a database is loaded and read, less what it had before; megabytes.
pub fn memory(plan: &Plan, name: &str) -> Result<f64> {
    let peak = || {
        let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse::<f64>().ok()
    };
    let subject =
        crate::subjects::all().into_iter().find(|subject| subject.name == name).context("no such database")?;
    let _ = std::fs::remove_dir_all(&plan.directory);
    std::fs::create_dir_all(&plan.directory)?;
    let before = peak().context("the system does not tell")?;
    let mut store: Box<dyn Store> = (subject.open)(&plan.directory, Setup { durable: false, cache: plan.cache })?;
    for chunk in 0..(plan.documents / 1000) as u64 {
        let documents: Vec<_> =
            (chunk * 1000..(chunk + 1) * 1000).map(|index| (scattered_key(index), document(index))).collect();
        load(&mut *store, &documents, 1000)?;
    }
    let mut random = Random::new(5);
    let mut found = Found::default();
    for _ in 0..plan.documents {
        let key = scattered_key(random.below(plan.documents as u64));
        store.read_one(&mut |reader| found.get(reader, &key))?;
    }
    let after = peak().context("the system does not tell")?;
    store.close()?;
    std::fs::remove_dir_all(&plan.directory)?;
    Ok((after - before) * 1024.0 / 1e6)
}
