//! What the machine can do at best, without a database.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hint::black_box;

use anyhow::Result;
use rustix::io::{pread, pwrite};

use super::{Columns, Table};
use crate::documents::{Random, document, scattered_key};
use crate::measure::Run;
use crate::store::Subject;
use crate::subjects;

pub const TABLE: Table = Table {
    id: "limits",
    title: "The limits",
    about: "The same machine, disk and documents of about 300 bytes, without a database.",
    columns: Columns::Own(&[Subject { name: "limit", package: "", settings: "no database", ..subjects::FERROLITE }]),
    most_runs: usize::MAX,
    work,
};

fn work(run: &mut Run) -> Result<()> {
    let directory = run.create_directory()?;
    let open = |name: &str| -> Result<File> {
        Ok(OpenOptions::new().read(true).write(true).create_new(true).open(directory.join(name))?)
    };
    let (appended, room) = (open("appended")?, open("room")?);
    let frame = vec![b'x'; 340];
    let commits = run.plan.durable_commits;
    run.sample("append 340 bytes and fdatasync", commits, |index| {
        pwrite(&appended, &frame, index as u64 * 340)?;
        Ok(appended.sync_data()?)
    })?;
    pwrite(&room, &vec![0; 8 << 20], 0)?;
    room.sync_data()?;
    run.sample("write 340 bytes where there is room and fdatasync", commits, |index| {
        pwrite(&room, &frame, index as u64 * 340)?;
        Ok(room.sync_data()?)
    })?;
    let batch = vec![b'x'; 340_000];
    run.sample("write 340,000 bytes where there is room and fdatasync", commits / 10, |index| {
        pwrite(&room, &batch, (index % 20) as u64 * 340_000)?;
        Ok(room.sync_data()?)
    })?;
    run.time("write 340 bytes, no flush", "us", 20_000, || {
        (0..20_000).try_for_each(|index| Ok(pwrite(&room, &frame, index % 20_000 * 340).map(drop)?))
    })?;
    let mut random = Random::new(3);
    for len in [340, 4096, 8192, 65_536] {
        let mut buffer = vec![0; len];
        run.time(&format!("pread of {len} bytes in the system's cache"), "us", 20_000, || {
            (0..20_000).try_for_each(|_| Ok(pread(&room, &mut buffer, random.below(8_000_000)).map(drop)?))
        })?;
    }

    let documents: Vec<String> = (0..20_000).map(document).collect();
    run.time("copy a document to a new String", "us", documents.len(), || {
        documents.iter().for_each(|json| drop(black_box(json.clone())));
        Ok(())
    })?;
    run.time("parse a document (serde_json::Value)", "us", documents.len(), || {
        for json in &documents {
            black_box(serde_json::from_str::<serde_json::Value>(json)?);
        }
        Ok(())
    })?;
    let values: Vec<serde_json::Value> =
        documents.iter().map(|json| serde_json::from_str(json)).collect::<Result<_, _>>()?;
    run.time("write a serde_json::Value as text", "us", documents.len(), || {
        for value in &values {
            black_box(serde_json::to_string(value)?);
        }
        Ok(())
    })?;
    let map: HashMap<String, &String> =
        documents.iter().enumerate().map(|(index, json)| (scattered_key(index as u64), json)).collect();
    let keys: Vec<String> = (0..20_000).map(|_| scattered_key(random.below(20_000))).collect();
    run.time("find a document in a HashMap and copy it", "us", keys.len(), || {
        keys.iter().for_each(|key| drop(black_box(map.get(key).map(|json| (*json).clone()))));
        Ok(())
    })?;
    let (from, mut to) = (vec![1u8; 16 << 20], vec![0u8; 16 << 20]);
    run.time("copy 16 MiB", "us/MiB", 16, || {
        black_box(&mut to).copy_from_slice(black_box(&from));
        Ok(())
    })?;
    Ok(())
}
