//! Messages that are sent again: what they write is written once, whenever the engine before has ended.

use super::clients::Engine;
use super::code;
use crate::documents::upkeep::receipts::RECEIPT_SPAN_MS;
use crate::documents::{Database, Options, SpaceKind};
use crate::environment::{Environment, HostEnvironment};
use crate::fs::simulated::{Recovery, Simulated};
use crate::service::service::{FIRST, Message};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ID: [u8; 16] = [1; 16];

/// Increments, a write into a new collection, one that fails, and reads between them.
const MESSAGE: &str = r#"[["increment","n",1],["get","n"],["@c","set","k",{"a":1}],["setWith","n",0,{"ifAbsent":true}],
    ["push","l","right",["x"]],["getAndSet","g",2],["pop","none","left"],["increment","n",10],["count",{}]]"#;

/// Its results where it is done for the first time.
fn expected() -> Value {
    json!([[0, "1"], [0, 1], [0, 2], [1, "Conflict"], [0, 1], [0], [0], [0, "11"], [0, 3]])
}

/// Results with the code alone of what failed.
fn shortened(mut results: Value) -> Value {
    for result in results.as_array_mut().unwrap() {
        if result[0] == 1 {
            result[1] = result[1]["code"].take();
        }
    }
    results
}

/// The results of the same message when it was done before: reads are done again.
fn expected_again() -> Value {
    let mut results = expected();
    results[1] = json!([0, 11]);
    results
}

/// Checks that the message was done once.
fn check_once(engine: &mut Engine) {
    let found = engine.send(FIRST, 0, false, r#"[["get","n"],["@c","get","k"],["get","l"],["get","g"]]"#);
    assert_eq!(found, json!([[0, 11], [0, {"a": 1}], [0, ["x"]], [0, 2]]));
}

#[test]
fn a_repeated_message_is_done_once() {
    let mut engine = Engine::new();
    let client = engine.service.join(ID, false);
    assert_eq!(shortened(engine.send(client, 1, false, MESSAGE)), expected());
    // By the same engine, and by others.
    assert_eq!(shortened(engine.send(client, 1, true, MESSAGE)), expected_again());
    for _ in 0..3 {
        engine = engine.succeeded();
        let client = engine.service.join(ID, false);
        assert_eq!(shortened(engine.send(client, 1, true, MESSAGE)), expected_again());
        check_once(&mut engine);
    }
    // Another message, and another client's message with this number, are others.
    let client = engine.service.join(ID, false);
    assert_eq!(engine.send(client, 2, true, r#"[["increment","n",1]]"#), json!([[0, "12"]]));
    let stranger = engine.service.join([2; 16], false);
    assert_eq!(engine.send(stranger, 1, true, r#"[["increment","n",1]]"#), json!([[0, "13"]]));
    assert_eq!(engine.call(FIRST, 0, r#"["check",{"full":true}]"#)[1]["problems"], json!([]));
}

#[test]
fn the_first_client_leaves_no_receipts() {
    let mut engine = Engine::new();
    engine.send(FIRST, 1, false, r#"[["increment","n",1],["increment","n",1]]"#);
    assert_eq!(engine.service.stats().unwrap().version, 2);
    assert_eq!(engine.send(FIRST, 1, true, r#"[["increment","n",1]]"#), json!([[0, "3"]]));
    let client = engine.service.join(ID, false);
    engine.send(client, 1, false, r#"[["get","n"],["delete","none"],["setWith","n",1,{"ifAbsent":true}]]"#);
    assert_eq!(engine.service.stats().unwrap().version, 3, "nothing was written");
    engine.send(client, 2, false, r#"[["increment","n",1]]"#);
    assert_eq!(engine.service.stats().unwrap().version, 5);
}

/// What was found not to be there must not be found later, where a later call of the message has written it.
#[test]
fn calls_that_changed_nothing_are_not_repeated_behind_those_that_did() {
    let mut engine = Engine::new();
    let client = engine.service.join(ID, false);
    let message = r#"[["delete","a"],["setWith","b",1,{"ifVersion":9}],["flush"],["set","a",1],["set","b",2],["flush"],["delete","c"]]"#;
    let first = shortened(engine.send(client, 1, false, message));
    assert_eq!(first, json!([[0, false], [1, "Conflict"], [0], [0, 1], [0, 2], [0], [0, false]]));
    engine = engine.succeeded();
    engine.call(FIRST, 0, r#"["set","c",3]"#);
    let client = engine.service.join(ID, false);
    let again = shortened(engine.send(client, 1, true, message));
    // The last one has left nothing: it is done now.
    assert_eq!(again, json!([[0, false], [1, "Conflict"], [0], [0, 1], [0, 2], [0], [0, true]]));
    assert_eq!((engine.get("a"), engine.get("b"), engine.get("c")), (json!(1), json!(2), Value::Null));
}

#[test]
fn what_is_flushed_by_itself_is_done_once() {
    let mut engine = Engine::new();
    let client = engine.service.join(ID, false);
    engine.send(FIRST, 0, false, r#"[["@c","set","old",1],["set","i",{"n":1}],["createIndex","n"]]"#);
    let bytes = [&br#"[["setBytes","p",0,{}]]"#[..], &[0, 64, 13, 3, 0], &[7; 200_000]].concat();
    engine.send_with(FIRST, 0, false, &bytes);
    let dropping =
        r#"[["set","before",1],["dropCollection","c"],["dropCollection","d"],["dropIndex","n"],["expire","p",60000]]"#;
    let done = json!([[0, 4], [0, true], [0, false], [0, true], [0, true]]);
    let results = engine.send(client, 1, false, dropping);
    assert_eq!((&results[1], &results[2], &results[3], &results[4]), (&done[1], &done[2], &done[3], &done[4]));
    let blob = engine.call(client, 2, r#"["blobBegin","b"]"#)[1].take();
    let finish = format!(r#"[["blobFinish",{blob}]]"#);
    let version = engine.send(client, 3, false, &finish);
    assert_eq!(version[0][0], 0);

    engine = engine.succeeded();
    let client = engine.service.join(ID, false);
    let others = r#"[["@c","set","new",1],["createIndex","n"],["persist","p"],["delete","b"]]"#;
    assert_eq!(engine.send(FIRST, 0, false, others)[3], json!([0, true]));
    assert_eq!(engine.send(client, 1, true, dropping), results);
    assert_eq!(engine.send(client, 3, true, &finish), version);
    let found = engine.send(FIRST, 0, false, r#"[["@c","get","new"],["indexes"],["ttl","p"],["has","b"]]"#);
    assert_eq!((&found[0], &found[2], &found[3]), (&json!([0, 1]), &json!([0, null]), &json!([0, false])));
    assert_eq!(found[1][1][0]["path"], "n");
}

#[test]
fn what_was_open_at_the_engine_before_is_told_to_be_gone() {
    let mut engine = Engine::new();
    let pairs: Vec<String> = (0..300).map(|n| format!(r#"["k{n}",{n}]"#)).collect();
    engine.call(FIRST, 0, &format!(r#"["setMany",[{}]]"#, pairs.join(",")));
    let client = engine.service.join(ID, false);
    let open =
        r#"[["txBegin"],["snapshotOpen"],["scanOpen",{}],["blobBegin","b"],["blobOpen","none"],["exportBegin"]]"#;
    let opened = engine.send(client, 1, false, open);
    let committed = engine.send(client, 2, false, r#"[["txBegin"]]"#)[0][1].take();
    let commit = format!(r#"[["txWrite",{committed},["set","t",1]],["txCommit",{committed}]]"#);
    let first = engine.send(client, 3, false, &commit);
    assert_eq!(first[1][0], 0);

    engine = engine.succeeded();
    let client = engine.service.join(ID, false);
    // A commit that was done is answered; the call before it has nothing to write to any more.
    let again = engine.send(client, 3, true, &commit);
    assert_eq!((code(&again[0]), &again[1]), ("Conflict", &first[1]));
    let number = |at: usize| opened[at][1].clone();
    let (cursor, export) = (opened[2][1]["cursor"].clone(), opened[5][1]["number"].as_u64().unwrap());
    for number_of_message in [4, 5] {
        for (call, expected) in [
            (format!(r#"["txCommit",{}]"#, number(0)), "Conflict"),
            (format!(r#"["txRead",{},["get","k1"]]"#, number(0)), "Conflict"),
            (format!(r#"["snapshotRead",{},["get","k1"]]"#, number(1)), "SnapshotTooOld"),
            (format!(r#"["scanNext",{cursor}]"#), "SnapshotTooOld"),
            (format!(r#"["blobFinish",{}]"#, number(3)), "Conflict"),
        ] {
            assert_eq!(code(&engine.call(client, number_of_message, &call)), expected, "{call}");
        }
        let error = engine.service.export_chunk(client, export).unwrap_err();
        assert_eq!(error.code().as_str(), "SnapshotTooOld");
        // What is opened now has other numbers, and what has ended here was not lost.
        let begun = engine.call(client, number_of_message, r#"["txBegin"]"#)[1].take();
        assert!((0..6).all(|at| opened[at][1] != begun));
        assert_eq!(
            engine.call(client, number_of_message, &format!(r#"["txRead",{begun},["get","k1"]]"#)),
            json!([0, 1])
        );
        engine.call(client, number_of_message, &format!(r#"["txRollback",{begun}]"#));
        let ended = engine.call(client, number_of_message, &format!(r#"["txCommit",{begun}]"#));
        assert_eq!(code(&ended), "InvalidTransaction");
    }
    // A message whose answer was lost opens again, under numbers that hold.
    let begun = engine.send(client, 6, true, r#"[["txBegin"]]"#)[0][1].take();
    assert_eq!(engine.call(client, 7, &format!(r#"["txRead",{begun},["get","k1"]]"#)), json!([0, 1]));
}

/// Of the one write that a message costs any part may be left.
#[test]
fn a_message_is_whole_wherever_its_writing_was_cut_off() {
    let mut engine = Engine::new();
    engine.send(FIRST, 0, false, r#"[["set","before",1],["delete","before"]]"#);
    let before = engine.fs.content("test").unwrap();
    let client = engine.service.join(ID, false);
    engine.send(client, 1, false, MESSAGE);
    let after = engine.fs.content("test").unwrap();
    let differs = |at: &usize| before[*at] != after[*at];
    let (first, last) = ((0..before.len()).find(differs).unwrap(), (0..before.len()).rfind(differs).unwrap());
    assert_eq!(before.len(), after.len());
    assert!(last - first > 700, "a frame for each commit: {first} to {last}");
    for cut in (first..last).step_by(13).chain([last, last + 1]) {
        let fs = Simulated::new(7);
        fs.set_content("test", [&after[..cut], &before[cut..]].concat());
        let mut next = Engine::on(fs);
        assert_eq!(is_whole_or_nothing(&mut next), cut > last, "cut off at {cut}, of {first} to {last}");
        let client = next.service.join(ID, false);
        assert_eq!(shortened(next.send(client, 1, true, MESSAGE))[7], json!([0, "11"]));
        check_once(&mut next);
    }
}

/// At every crash point, and whatever the crash leaves of what was written: the message was done with all of its calls, and
/// is answered as it was; or with none of them, and is done now. A repetition may be cut short as well.
#[test]
fn a_message_is_done_once_whenever_the_engine_ends() {
    let mut found = [0; 2];
    for point in 1.. {
        let mut engine = Engine::new();
        engine.call(FIRST, 0, r#"["set","before",1]"#);
        engine.call(FIRST, 0, r#"["delete","before"]"#);
        let client = engine.service.join(ID, false);
        engine.fs.crash_after(point);
        let results = engine.send(client, 1, false, MESSAGE);
        let is_done = results[0][0] == 0;
        for seed in 0..if is_done { 1 } else { 40 } {
            let fs = engine.fs.fork();
            fs.reseed(seed);
            fs.restart(match seed {
                0 => Recovery::KeepAll,
                1 => Recovery::LoseAll,
                _ => Recovery::Random,
            });
            let mut next = Engine::on(fs);
            let was_done = is_whole_or_nothing(&mut next);
            assert!(was_done || !is_done, "point {point}, seed {seed}: it was acknowledged");
            found[usize::from(was_done)] += 1;
            let is_cut_short = repeat_cut_short(&next, seed);
            assert!(is_cut_short || was_done, "nothing was to be done at point {point}, seed {seed}");
            let client = next.service.join(ID, false);
            let again = shortened(next.send(client, 1, true, MESSAGE));
            assert_eq!(again[0], json!([0, "1"]), "point {point}, seed {seed}");
            assert_eq!(again[7], json!([0, "11"]), "point {point}, seed {seed}");
            check_once(&mut next);
        }
        if is_done {
            break;
        }
    }
    assert!(found.iter().all(|count| *count > 10), "{found:?}");
}

/// True if the message was done; checks that all of it was, or nothing, and its receipt with it.
fn is_whole_or_nothing(engine: &mut Engine) -> bool {
    let found =
        engine.send(FIRST, 0, false, r#"[["get","n"],["@c","get","k"],["get","l"],["get","g"],["collections"]]"#);
    let is_done = found[0] == json!([0, 11]);
    if is_done {
        check_once(engine);
    } else {
        assert_eq!(found, json!([[0], [0], [0], [0], [0, []]]));
    }
    is_done
}

/// Sends the message again, to a copy of the engine's file, with a crash at each point; and then once more.
fn repeat_cut_short(engine: &Engine, seed: u64) -> bool {
    for point in 1.. {
        let mut cut = Engine::on(engine.fs.fork());
        let client = cut.service.join(ID, false);
        cut.fs.crash_after(point);
        let results = cut.send(client, 1, true, MESSAGE);
        let is_done = results[0][0] == 0;
        cut.fs.reseed(seed);
        drop(cut.service);
        cut.fs.restart(if seed == 0 { Recovery::KeepAll } else { Recovery::Random });
        let mut last = Engine::on(cut.fs);
        assert!(is_whole_or_nothing(&mut last) || !is_done);
        let client = last.service.join(ID, false);
        last.send(client, 1, true, MESSAGE);
        check_once(&mut last);
        if is_done {
            return point > 1;
        }
    }
    unreachable!("a message is done after so many calls of the host")
}

/// A clock that can be set.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Environment for Clock {
    fn now_ms(&self) -> u64 {
        1_700_000_000_000 + self.0.load(Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        HostEnvironment.fill_random(buffer);
    }
}

/// An engine with a clock, on a file.
fn engine_at(fs: Simulated, clock: &Clock) -> Engine {
    let environment = Arc::new(clock.clone());
    let database = pollster::block_on(Database::open_with(&fs, "test", Options::default(), environment)).unwrap();
    Engine { service: crate::service::service::Service::new(database), fs }
}

fn succeeded_at(engine: Engine, clock: &Clock) -> Engine {
    drop(engine.service);
    engine.fs.restart_process();
    engine_at(engine.fs, clock)
}

/// A message of a client that has the answers of all messages before `answered`.
fn send_answered(engine: &mut Engine, client: u32, number: u64, answered: u64, calls: &str) -> Value {
    let message = Message { client, number, is_repeated: false, answered, bytes: calls.as_bytes() };
    serde_json::from_slice(&engine.service.execute(message).unwrap()).unwrap()
}

/// Texts that cannot be compressed much, by a linear congruential generator.
struct Texts(u32);

impl Texts {
    fn next(&mut self, length: usize) -> String {
        let mut next = || {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'0' + (self.0 >> 24) as u8 % 64)
        };
        (0..length).map(|_| next()).filter(|char| *char != '\\').collect()
    }
}

/// Bytes that receipts take in the tables, once all is merged.
fn receipt_bytes(engine: &mut Engine) -> u64 {
    while engine.service.maintain(1 << 20).unwrap() {}
    engine.call(FIRST, 0, r#"["compact"]"#);
    while engine.service.has_tasks() {
        engine.service.step();
    }
    let spaces = engine.service.stats().unwrap().spaces;
    spaces.iter().filter(|space| space.kind == SpaceKind::Receipts).map(|space| space.tables.bytes).sum()
}

/// The time up to which receipts may have been dropped without an acknowledgement.
fn horizon_ms(engine: &Engine) -> u64 {
    let terms = engine.service.letter_terms().unwrap();
    assert_eq!(terms.len(), 16 + 8, "a plain file has no key");
    u64::from_le_bytes(terms[16..].try_into().unwrap())
}

#[test]
fn receipts_that_were_dropped_are_before_the_horizon() {
    let clock = Clock::default();
    let mut engine = engine_at(Simulated::new(7), &clock);
    let message = r#"[["increment","n",1]]"#;
    let client = engine.service.join(ID, false);
    engine.send(client, 1, false, message);
    let sent_ms = Environment::now_ms(&clock);
    for openings in 0..3 {
        assert_eq!(horizon_ms(&engine), 0, "nothing was dropped after {openings} openings");
        clock.0.fetch_add(30 * RECEIPT_SPAN_MS, Ordering::Relaxed);
        engine = succeeded_at(engine, &clock);
        let other = engine.service.join([100 + openings; 16], false);
        let client = engine.service.join(ID, false);
        assert_eq!(engine.send(client, 1, true, message), json!([[0, "1"]]), "however late it comes");
        engine.send(other, 1, false, r#"[["set","other",1]]"#);
    }
    receipt_bytes(&mut engine);
    let horizon = horizon_ms(&engine);
    assert!(horizon >= sent_ms, "{horizon} is before {sent_ms}");
    engine = succeeded_at(engine, &clock);
    assert_eq!(horizon_ms(&engine), horizon, "the next engine knows it");
}

#[test]
fn a_clock_that_jumps_makes_no_message_be_done_twice() {
    let clock = Clock::default();
    let mut engine = engine_at(Simulated::new(7), &clock);
    let message = r#"[["increment","n",1]]"#;
    let mut count = 0;
    for (number, jump_ms) in (1..).zip([RECEIPT_SPAN_MS * 3, 0, 1 << 50, 5, RECEIPT_SPAN_MS, 0]) {
        let client = engine.service.join(ID, false);
        count += 1;
        let done = json!([[0, count.to_string()]]);
        assert_eq!(engine.send(client, number, false, message), done);
        clock.0.store(jump_ms, Ordering::Relaxed);
        receipt_bytes(&mut engine);
        assert_eq!(engine.send(client, number, true, message), done, "by the same engine");
        engine = succeeded_at(engine, &clock);
        receipt_bytes(&mut engine);
        let client = engine.service.join(ID, false);
        assert_eq!(engine.send(client, number, true, message), done, "by the next engine");
    }
    assert_eq!(engine.get("n"), json!(count));
}

#[test]
fn what_a_client_has_the_answer_of_is_not_kept() {
    let clock = Clock::default();
    let mut engine = engine_at(Simulated::new(7), &clock);
    let client = engine.service.join(ID, false);
    let mut texts = Texts(1);
    let mut large = || texts.next(300_000);
    send_answered(&mut engine, client, 1, 1, &format!(r#"[["set","d","{}"]]"#, large()));
    for number in 2..20 {
        let found =
            send_answered(&mut engine, client, number, number, &format!(r#"[["getAndSet","d","{}"]]"#, large()));
        assert_eq!(found[0][0], 0);
    }
    let bytes = receipt_bytes(&mut engine);
    assert!((100_000..400_000).contains(&bytes), "of one answer: {bytes}");
    // Reading acknowledges, too.
    send_answered(&mut engine, client, 20, 20, r#"[["has","d"]]"#);
    let bytes = receipt_bytes(&mut engine);
    assert!(bytes < 1000, "{bytes}");
    assert_eq!(engine.call(FIRST, 0, r#"["check",{"full":true}]"#)[1]["problems"], json!([]));
    // Receipts that were not acknowledged are there, for this engine and the next one.
    send_answered(&mut engine, client, 21, 21, r#"[["increment","n",1]]"#);
    send_answered(&mut engine, client, 22, 21, r#"[["increment","n",1]]"#);
    engine = succeeded_at(engine, &clock);
    let client = engine.service.join(ID, false);
    assert_eq!(engine.send(client, 21, true, r#"[["increment","n",1]]"#), json!([[0, "1"]]));
    assert_eq!(engine.send(client, 22, true, r#"[["increment","n",1]]"#), json!([[0, "2"]]));
    // The next engine knows what the one before has left.
    send_answered(&mut engine, client, 23, 23, r#"[["increment","n",1]]"#);
    assert_eq!(engine.send(client, 22, true, r#"[["get","n"]]"#), json!([[0, 3]]));
    engine = succeeded_at(engine, &clock);
    let client = engine.service.join(ID, false);
    assert_eq!(engine.send(client, 22, true, r#"[["increment","m",1]]"#), json!([[0, "1"]]), "nothing tells of it");
    assert_eq!(engine.send(client, 23, true, r#"[["increment","n",1]]"#), json!([[0, "3"]]));
}

#[test]
fn clients_that_have_left_leave_few_receipts() {
    let mut engine = Engine::new();
    let mut texts = Texts(1);
    engine.call(FIRST, 0, &format!(r#"["set","d","{}"]"#, texts.next(100_000)));
    for number in 10..250 {
        let client = engine.service.join([number; 16], false);
        let call = match number % 10 {
            0 => format!(r#"[["getAndSet","d","{}"]]"#, texts.next(100_000)),
            _ => r#"[["increment","n",1]]"#.to_owned(),
        };
        engine.send(client, 1, false, &call);
        engine.service.leave(client);
    }
    let bytes = receipt_bytes(&mut engine);
    assert!((50_000..150_000).contains(&bytes), "one large answer, and some small ones: {bytes}");
    // One that comes back has what it has left.
    let client = engine.service.join([249; 16], false);
    assert_eq!(engine.send(client, 1, true, r#"[["increment","other",1]]"#)[0][0], 0);
    assert_eq!(engine.get("other"), Value::Null);
}

/// Where there is no room for a message as a group its calls are made one by one, each with its receipt.
#[test]
fn calls_that_are_made_one_by_one_are_done_once() {
    let mut engine = Engine::new();
    let client = engine.service.join(ID, false);
    let filler = format!(r#"["set","f",{:?}]"#, "x".repeat(300_000));
    for number in 0..12 {
        engine.call(FIRST, 0, &filler.replacen('f', &format!("f{number}"), 1));
    }
    engine.fs.set_capacity(Some(engine.fs.content("test").unwrap().len() as u64));
    let large = format!(r#"["set","large",{:?}]"#, "y".repeat(12_000_000));
    let message = format!(r#"[["increment","n",1],{large},["delete","f0"],["increment","m",1]]"#);
    let first = shortened(engine.send(client, 1, false, &message));
    assert_eq!(first[1], json!([1, "StorageFull"]));
    assert_eq!(first[2], json!([0, true]));
    let counts = (engine.get("n"), engine.get("m"));
    engine = engine.succeeded();
    engine.fs.set_capacity(None);
    let client = engine.service.join(ID, false);
    let again = shortened(engine.send(client, 1, true, &message));
    assert_eq!(again, first);
    assert_eq!((engine.get("n"), engine.get("m")), counts);
}

#[test]
fn what_is_no_message_of_a_client_is_refused() {
    let mut engine = Engine::new();
    let client = engine.service.join(ID, false);
    for (client, number) in [(client, 1 << 33), (client + 1, 1)] {
        let message = Message { client, number, is_repeated: false, answered: 0, bytes: b"[]" };
        assert_eq!(engine.service.execute(message).unwrap_err().code().as_str(), "Internal");
    }
    engine.service.close().unwrap();
    let results = engine.send(client, 1, false, r#"[["get","a"]]"#);
    assert_eq!(code(&results[0]), "Closed");
}
