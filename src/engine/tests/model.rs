//! The engine against a map of all versions, with small pages and tables, so that every path is walked.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Random, TestEnvironment, small_options};
use crate::engine::Compression;
use crate::engine::batch::Batch;
use crate::engine::engine::Engine;
use crate::engine::entry::{Entry, Seq};
use crate::engine::numbering::SKIPPED;
use crate::engine::options::{Durability, Options};
use crate::engine::read::{KeyRange, Snapshot};
use crate::environment::Environment;
use crate::fs::{Memory, MemoryFile};

type Versions = BTreeMap<Vec<u8>, Vec<(Seq, Option<Vec<u8>>, Option<u64>)>>;

struct Model {
    files: Memory,
    environment: TestEnvironment,
    options: Options,
    engine: Option<Engine<MemoryFile>>,
    versions: Versions,
    snapshots: Vec<Snapshot>,
    /// By engines that are not open any more.
    tables_dropped: u64,
    row_hits: u64,
}

fn key(index: u64) -> Vec<u8> {
    let prefix = if index.is_multiple_of(3) { 2_u64 } else { 1 };
    let mut key = prefix.to_be_bytes().to_vec();
    key.extend_from_slice(format!("key{:04}", index * 7 % 1000).as_bytes());
    key
}

impl Model {
    fn new(options: Options) -> Self {
        let mut model = Self {
            files: Memory::default(),
            environment: TestEnvironment::default(),
            options,
            engine: None,
            versions: Versions::new(),
            snapshots: Vec::new(),
            tables_dropped: 0,
            row_hits: 0,
        };
        model.environment.now_ms.store(1000, Ordering::Relaxed);
        model.open();
        model
    }

    fn open(&mut self) {
        let environment = Arc::new(self.environment.clone());
        let engine = pollster::block_on(Engine::open(&self.files, "db", self.options.clone(), environment));
        self.engine = Some(engine.unwrap());
    }

    fn engine(&mut self) -> &mut Engine<MemoryFile> {
        self.engine.as_mut().unwrap()
    }

    fn write(&mut self, random: &mut Random) {
        let mut batch = Batch::new();
        let now = self.environment.now_ms();
        let mut changes = Vec::new();
        for _ in 0..=random.below(12) {
            let key = key(random.below(1000));
            if random.below(4) == 0 {
                batch.delete(key.clone());
                changes.push((key, None, None));
            } else {
                let value = vec![random.below(256) as u8; random.below(300) as usize];
                // In one key space everything expires, so that whole tables do.
                let expires_at = (key[7] == 2 || random.below(8) == 0).then(|| now + random.below(2000));
                batch.put(key.clone(), value.clone(), expires_at);
                changes.push((key, Some(value), expires_at));
            }
        }
        let seq = self.engine().append(batch).unwrap();
        if random.below(10) == 0 {
            // What was read of a group that is taken back must not be seen again.
            for (key, ..) in changes.iter().chain(&changes) {
                self.engine().get(key, seq, now).unwrap();
            }
            self.engine().abandon_group();
            return;
        }
        for (key, value, expires_at) in changes {
            let versions = self.versions.entry(key).or_default();
            versions.retain(|version| version.0 != seq);
            versions.push((seq, value, expires_at));
        }
        self.engine().finish_group(Durability::Never).unwrap();
    }

    /// Writes one key again and again; the log stays short.
    fn write_hot(&mut self, random: &mut Random) {
        for _ in 0..random.below(300) {
            let (key, value) = (key(random.below(2)), vec![random.below(256) as u8; 200]);
            let mut batch = Batch::new();
            batch.put(key.clone(), value.clone(), None);
            let seq = self.engine().append(batch).unwrap();
            self.versions.entry(key).or_default().push((seq, Some(value), None));
            self.engine().finish_group(Durability::Never).unwrap();
        }
        let log = self.engine().statistics().log_bytes;
        assert!(log <= 1 << 20, "the log has {log} bytes");
    }

    fn expected(&self, at: Seq, now: u64) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let seen = self.versions.iter().filter_map(|(key, versions)| {
            let (_, value, expires_at) = versions.iter().rfind(|version| version.0 <= at)?;
            let value = value.clone().filter(|_| expires_at.is_none_or(|at| at > now))?;
            Some((key.clone(), value))
        });
        seen.collect()
    }

    fn verify(&mut self, random: &mut Random) {
        let now = self.environment.now_ms();
        let last = self.engine().last_seq();
        let ats: Vec<_> = self.snapshots.iter().map(|snapshot| snapshot.seq).chain([last]).collect();
        for at in ats {
            let expected = self.expected(at, now);
            // Some keys are read again and again, at different times.
            let mut keys: Vec<_> = (0..20).map(|_| key(random.below(1000))).collect();
            keys.extend((0..30).map(|_| key(random.below(10))));
            let engine = self.engine.as_ref().unwrap();
            let is_expected = |key: &[u8], found: Option<Entry>| {
                let found = found.map(|entry| entry.value.to_vec());
                assert_eq!(found.as_ref(), expected.get(key), "{:?} at {at}", String::from_utf8_lossy(key));
            };
            keys.iter().for_each(|key| is_expected(key, engine.get(key, at, now).unwrap()));
            let mut reader = engine.reader(at, now);
            keys.iter().for_each(|key| is_expected(key, reader.get(key).unwrap()));
            keys.sort_unstable();
            keys.iter().for_each(|key| is_expected(key, reader.get(key).unwrap()));
            let (a, b) = (key(random.below(1000)), key(random.below(1000)));
            let prefix = a[..8].to_vec();
            let mut successor = prefix.clone();
            successor[7] += 1;
            let b = if b[..8] == a[..8] && b >= a { b } else { successor };
            for reverse in [false, true] {
                let (start, end) = match random.below(3) {
                    0 => (Bound::Included(prefix.clone()), Bound::Excluded(b.clone())),
                    1 => (Bound::Excluded(a.clone()), Bound::Included(b.clone())),
                    _ => (Bound::Included(a.clone()), Bound::Excluded(b.clone())),
                };
                let empty = matches!((&start, &end), (Bound::Excluded(a), Bound::Included(b)) if a >= b)
                    || matches!((&start, &end), (Bound::Included(a), Bound::Excluded(b)) if a >= b);
                let mut expected: Vec<_> = if empty {
                    Vec::new()
                } else {
                    expected.range((start.clone(), end.clone())).map(|(k, v)| (k.clone(), v.clone())).collect()
                };
                if reverse {
                    expected.reverse();
                }
                let engine = self.engine();
                let mut cursor = engine.scan(KeyRange { start, end }, reverse, at, now).unwrap();
                let mut found = Vec::new();
                while let Some((key, entry)) = cursor.next().unwrap() {
                    found.push((key, entry.value.to_vec()));
                }
                let name = |key: &[u8]| format!("{}{}", key[7], String::from_utf8_lossy(&key[8..]));
                let extra: Vec<_> = found.iter().filter(|e| !expected.contains(e)).map(|e| name(&e.0)).collect();
                let missing: Vec<_> = expected.iter().filter(|e| !found.contains(e)).map(|e| name(&e.0)).collect();
                assert!(
                    found == expected,
                    "range at {at}, last {last}, reverse {reverse}: extra {extra:?}, missing {missing:?}"
                );
            }
        }
        let report = self.engine().check(true).unwrap();
        assert_eq!(report.problems, Vec::<String>::new());
    }

    fn reopen(&mut self, close: bool) {
        self.snapshots.clear();
        let engine = self.engine.take().unwrap();
        self.tables_dropped += engine.statistics().counters.tables_dropped;
        self.row_hits += engine.statistics().row_cache.hits;
        if close {
            engine.close().unwrap();
        } else {
            drop(engine);
        }
        self.open();
        let last = self.engine().last_seq();
        let newest = self.versions.values().flat_map(|versions| versions.iter().map(|version| version.0)).max();
        // A session may have left numbers out and committed nothing.
        assert!((last - newest.unwrap_or(0)).is_multiple_of(SKIPPED), "{last} behind {newest:?}");
    }

    fn step(&mut self, random: &mut Random) {
        match random.below(100) {
            0..68 => self.write(random),
            68..70 => self.write_hot(random),
            70..75 => {
                let snapshot = self.engine().snapshot();
                self.snapshots.push(snapshot);
            }
            75..82 if !self.snapshots.is_empty() => {
                let index = random.below(self.snapshots.len() as u64) as usize;
                let snapshot = self.snapshots.swap_remove(index);
                self.engine().release(snapshot);
            }
            82..90 => {
                for _ in 0..random.below(30) {
                    self.engine().maintain(2000).unwrap();
                }
            }
            90 => self.engine().compact().unwrap(),
            91..94 => self.reopen(random.below(2) == 0),
            94..96 => {
                self.environment.now_ms.fetch_add(random.below(1500), Ordering::Relaxed);
            }
            _ => self.verify(random),
        }
    }
}

#[test]
fn matches_a_map_of_versions() {
    let (mut tables_dropped, mut row_hits) = (0, 0);
    for seed in 1..=40 {
        let mut random = Random((seed as u64).wrapping_mul(0x1234_5678_9ABC_DEF1));
        let compression = if seed % 2 == 0 { Compression::Lz4 } else { Compression::None };
        let mut model = Model::new(Options { compression, ..small_options() });
        for _ in 0..1500 {
            model.step(&mut random);
        }
        model.reopen(true);
        model.verify(&mut random);
        tables_dropped += model.tables_dropped;
        row_hits += model.row_hits;
    }
    assert!(tables_dropped > 40, "{tables_dropped} tables were dropped unread");
    assert!(row_hits > 10_000, "{row_hits} rows were found in their cache");
}
