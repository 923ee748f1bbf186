//! Carries out the stream of steps on a database and acknowledges each on standard output, until it is killed.

use std::io::{self, Write};
use std::time::Duration;

use ferrolite::fs::{Std, StdFile};
use ferrolite::{Database, Error, Range, Transaction};

use crate::database::{NAME, digest, options};
use crate::stream::{Step, step};

type Result<T> = std::result::Result<T, Error>;

/// Works from the step `number` on. It does not end by itself.
pub fn run(directory: &str, seed: u64, mut number: u64) -> Result<()> {
    let mut db = pollster::block_on(Database::open(&Std::new(directory), NAME, options(seed)))?;
    say(&format!("open {}", digest(&db)?));
    loop {
        carry_out(&mut db, step(seed, number))?;
        say(&format!("done {number} {}", db.version()));
        number += 1;
    }
}

/// A whole line with one call, so that it is there or not.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).expect("somebody reads what the worker says");
    out.flush().expect("somebody reads what the worker says");
}

fn carry_out(db: &mut Database<StdFile>, step: Step) -> Result<()> {
    match step {
        Step::Set { key, json } => db.set_json(&key, &json).map(drop),
        Step::SetExpiring { key, json, ttl_ms } => db.set_ex_json(&key, &json, Duration::from_millis(ttl_ms)).map(drop),
        Step::Delete { key } => db.delete(&key).map(drop),
        Step::Transaction(writes) => {
            let add = |transaction: Transaction, (key, json): (String, Option<String>)| match json {
                Some(json) => transaction.set_json(&key, &json),
                None => transaction.delete(&key),
            };
            db.commit(writes.into_iter().try_fold(Transaction::new(), add)?).map(drop)
        }
        Step::DeleteRange { gte, lt } => db.delete_range(&Range::all().gte(gte).lt(lt)).map(drop),
        Step::Group(writes) => {
            let set = |db: &mut Database<StdFile>, (key, json): &(String, String)| db.set_json(key, json).map(drop);
            db.group(|db| writes.iter().try_for_each(|write| set(db, write)))?
        }
        Step::CreateIndex { path } => db.create_index(path).map(drop),
        Step::DropIndex { path } => db.drop_index(path).map(drop),
        Step::RotateKey if db.stats().engine.encryption.is_some() => db.rotate_key(),
        Step::Compact | Step::RotateKey => db.compact(),
        Step::Maintain => {
            while db.maintain(128 << 10)? {}
            Ok(())
        }
    }
}
