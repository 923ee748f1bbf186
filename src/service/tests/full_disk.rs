//! A disk that is full, and clients who leave receipts: deleting and compacting make room again.

use super::clients::Engine;
use crate::fs::simulated::Simulated;
use crate::service::service::{FIRST, Message};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// So many refusals of small documents in a row say that the disk is full.
const REFUSALS: usize = 20;
/// So many calls travel together.
const TOGETHER: usize = 50;

struct Bench {
    engine: Engine,
    leaves_receipts: bool,
    client: u32,
    message: u64,
    state: u64,
    last_key: u64,
    /// The keys that are there.
    documents: BTreeSet<String>,
}

impl Bench {
    fn new(capacity: u64, seed: u64, leaves_receipts: bool) -> Self {
        let fs = Simulated::new(capacity);
        fs.set_capacity(Some(capacity));
        let engine = Engine::on(fs);
        let (documents, state) = (BTreeSet::new(), seed);
        let mut bench = Self { engine, leaves_receipts, client: FIRST, message: 0, state, last_key: 0, documents };
        bench.join();
        bench.send(&[r#"["createIndex","group"]"#.to_owned()]);
        bench
    }

    fn join(&mut self) {
        if self.leaves_receipts {
            self.client = self.engine.service.join([7; 16], false);
        }
    }

    fn reopen(&mut self) {
        drop(self.engine.service.close());
        self.engine = Engine::on(self.engine.fs.clone());
        self.join();
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % limit
    }

    /// A key and a document that hardly compresses.
    fn document(&mut self, low: u64, high: u64) -> (String, String) {
        let is_new = self.last_key == 0 || self.below(5) > 0;
        self.last_key += u64::from(is_new);
        let number = if is_new { self.last_key } else { self.below(self.last_key) };
        let len = low + self.below(high - low);
        let letter = |bench: &mut Self| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[bench.below(36) as usize]);
        let text: String = (0..len).map(|_| letter(self)).collect();
        (format!("k{number:07}"), format!(r#"{{"group":{},"text":"{text}"}}"#, number % 7))
    }

    /// Sends calls together; which of them were done. The others were refused because the disk is full.
    fn send(&mut self, calls: &[String]) -> Vec<bool> {
        self.message += 1;
        // It has had the answers of all messages before.
        let (number, bytes) = (self.message, format!("[{}]", calls.join(",")));
        let (is_repeated, answered, bytes) = (false, number, bytes.as_bytes());
        let message = Message { client: self.client, number, is_repeated, answered, bytes };
        let results: Value = serde_json::from_slice(&self.engine.service.execute(message).unwrap()).unwrap();
        let results = results.as_array().unwrap().iter().map(|result| match (&result[0], &result[1]["code"]) {
            (Value::Number(n), code) if n.as_u64() == Some(1) => {
                assert_eq!(code, "StorageFull", "{result}");
                false
            }
            _ => true,
        });
        let results = results.collect();
        self.maintain();
        results
    }

    fn maintain(&mut self) {
        while self.engine.service.has_tasks() {
            self.engine.service.step();
        }
        // As much as a host has time for.
        let _ = (0..20).take_while(|_| matches!(self.engine.service.maintain(128 << 10), Ok(true))).count();
    }

    fn fill(&mut self) {
        let mut refusals = 0;
        while refusals < REFUSALS {
            let high = if refusals > 0 { 200 } else { 3000 };
            let many = if self.below(5) == 0 { 2 + self.below(8) } else { 1 };
            let documents: Vec<_> = (0..many).map(|_| self.document(20, high)).collect();
            let pairs: Vec<_> = documents.iter().map(|(key, document)| format!(r#"["{key}",{document}]"#)).collect();
            if self.send(&[format!(r#"["setMany",[{}]]"#, pairs.join(","))])[0] {
                refusals = 0;
                self.documents.extend(documents.into_iter().map(|(key, _)| key));
            } else {
                refusals += 1;
            }
        }
    }

    fn thin_out(&mut self, keys: &[String]) {
        for some in keys.chunks(TOGETHER) {
            let calls: Vec<_> = some.iter().map(|key| format!(r#"["delete","{key}"]"#)).collect();
            assert!(self.send(&calls).iter().all(|is_done| *is_done), "deleting on a full disk");
            some.iter().for_each(|key| assert!(self.documents.remove(key)));
        }
    }

    fn compact(&mut self) {
        self.send(&[r#"["compact"]"#.to_owned()]);
    }

    /// True if `count` documents have room.
    fn write_again(&mut self, count: usize) -> bool {
        for first in (0..count).step_by(TOGETHER) {
            let some: Vec<_> = (first..count.min(first + TOGETHER)).map(|_| self.document(20, 1500)).collect();
            let calls: Vec<_> = some.iter().map(|(key, document)| format!(r#"["set","{key}",{document}]"#)).collect();
            let done = self.send(&calls);
            self.documents.extend(some.into_iter().zip(&done).filter(|(_, done)| **done).map(|((key, _), _)| key));
            if done.contains(&false) {
                return false;
            }
        }
        true
    }
}

#[test]
fn deleting_and_compacting_make_room_again() {
    for (seed, leaves_receipts) in [(2, true), (3, true), (5, true), (2, false)] {
        let mut bench = Bench::new(4 << 20, seed, leaves_receipts);
        for round in 0..4 {
            bench.fill();
            bench.reopen();
            bench.compact();
            let keys: Vec<_> = bench.documents.iter().cloned().collect();
            let keys: Vec<_> = match round {
                0 => keys.iter().step_by(2).cloned().collect(),
                2 => keys,
                _ => keys[..keys.len() / 2].to_vec(),
            };
            bench.thin_out(&keys);
            bench.compact();
            let has_room = bench.write_again(keys.len() / 2);
            let there = bench.documents.len();
            assert!(has_room, "seed {seed}, receipts {leaves_receipts}, round {round}: {there} documents are there");
            let found = bench.engine.call(FIRST, 0, r#"["count",{}]"#);
            assert_eq!(found[1], there, "seed {seed}, receipts {leaves_receipts}, round {round}");
        }
        assert_eq!(bench.engine.call(FIRST, 0, r#"["check",{"full":true}]"#)[1]["problems"], json!([]));
    }
}
