//! The table by the crate.

use crate::arguments::Arguments;
use crate::dispatch::{in_commit, in_transaction, on_collection, on_database, on_snapshot};
use crate::table::{Scenario, Step};
use crate::values::{Kept, none};
use ferrolite::fs::FileSystem;
use ferrolite::{ActiveTransaction, Database, Error, Options, Snapshot, Transaction};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// What `hosts` in the table calls this one.
const HOST: &str = "rust";
/// The code of what `throw` throws.
const THROWN: &str = "Thrown";

/// What a step gave, or the code of its error.
pub type Outcome = Result<Value, String>;

/// A database that a scenario is played on.
struct Player<'a, S: FileSystem> {
    fs: &'a S,
    name: String,
    options: Options,
    /// `None` while it is being reopened.
    db: Option<Database<S::File>>,
    snapshots: BTreeMap<String, Snapshot>,
    kept: Kept,
}

/// Why the work of a transaction has ended early.
enum Stop {
    Failed(Error),
    Thrown,
    /// A step in it did not give what it should.
    Wrong(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Plays a scenario on a database of this name. What is wrong is told.
pub fn play<S: FileSystem>(
    fs: &S,
    name: &str,
    options: Options,
    persists: bool,
    scenario: &Scenario,
) -> Result<(), String> {
    let db = Some(open(fs, name, &options)?);
    let (snapshots, kept) = (BTreeMap::new(), Kept::default());
    let mut player = Player { fs, name: name.to_owned(), options, db, snapshots, kept };
    for (index, step) in scenario.steps.iter().enumerate().filter(|(_, step)| step.is_for(HOST)) {
        let place = |wrong| format!("step {index}, {}: {wrong}", step.verb);
        let outcome = match step.verb.as_str() {
            "reopen" if persists => player.reopen(step).map(|()| Ok(none())),
            "reopen" => continue,
            "transaction" => player.transaction(step),
            _ => Ok(player.call(step).map_err(|error| error.code().as_str().to_owned())),
        };
        judge(outcome.map_err(place)?, step, &mut player.kept).map_err(place)?;
    }
    player.close()
}

fn open<S: FileSystem>(fs: &S, name: &str, options: &Options) -> Result<Database<S::File>, String> {
    pollster::block_on(Database::open(fs, name, options.clone())).map_err(|error| error.to_string())
}

/// Whether a step gave what it should.
pub fn judge(outcome: Outcome, step: &Step, kept: &mut Kept) -> Result<(), String> {
    match (outcome, &step.error, &step.result) {
        (Err(code), Some(expected), _) if code == *expected => Ok(()),
        (outcome, Some(expected), _) => Err(format!("expected the error {expected}, and got {outcome:?}")),
        (Err(code), None, _) => Err(format!("got the error {code}")),
        (Ok(_), None, None) => Ok(()),
        (Ok(actual), None, Some(expected)) => kept.compare(&actual, expected),
    }
}

impl<S: FileSystem> Player<'_, S> {
    fn db(&mut self) -> &mut Database<S::File> {
        self.db.as_mut().expect("it is open")
    }

    fn close(mut self) -> Result<(), String> {
        let db = self.db.take().expect("it is open");
        let report = db.check(true).map_err(|error| error.to_string())?;
        if !report.is_ok() {
            return Err(format!("in the end: {report:?}"));
        }
        db.close().map_err(|error| error.to_string())
    }

    fn reopen(&mut self, step: &Step) -> Result<(), String> {
        self.snapshots.clear();
        self.db.take().expect("it is open").close().map_err(|error| error.to_string())?;
        self.options.read_only = step.is_read_only();
        self.db = Some(open(self.fs, &self.name, &self.options)?);
        Ok(())
    }

    fn arguments(&self, step: &Step) -> Arguments {
        Arguments(step.args.iter().map(|value| self.kept.resolve(value)).collect())
    }

    /// Calls the method that a step outside of transactions names.
    fn call(&mut self, step: &Step) -> Result<Value, Error> {
        let args = self.arguments(step);
        if let Some(name) = &step.snapshot {
            return self.on_snapshot(name, step, &args);
        }
        match step.verb.as_str() {
            "sleep" => {
                std::thread::sleep(Duration::from_millis(args.given(0).as_u64().expect("milliseconds")));
                return Ok(none());
            }
            "snapshot" => {
                let snapshot = self.db().snapshot()?;
                self.snapshots.insert(args.text(0).to_owned(), snapshot);
                return Ok(none());
            }
            "commit" => return self.commit(step),
            _ => {}
        }
        let answer = match &step.collection {
            None => on_database(self.db(), &step.verb, &args)?,
            Some(name) => on_collection(self.db(), name, &step.verb, &args)?,
        };
        Ok(answer.unwrap_or_else(|| panic!("{} is not known here", step.verb)))
    }

    fn on_snapshot(&mut self, name: &str, step: &Step, args: &Arguments) -> Result<Value, Error> {
        let snapshot = *self.snapshots.get(name).expect("a snapshot of this name");
        let db = self.db();
        if step.verb == "close" {
            db.release(snapshot);
            return Ok(none());
        }
        let collection = match &step.collection {
            None => db.at(&snapshot)?,
            Some(name) => db.collection(name)?.at(&snapshot)?,
        };
        let answer = on_snapshot(&collection, &step.verb, args)?;
        Ok(answer.unwrap_or_else(|| panic!("{} is not known to snapshots", step.verb)))
    }

    fn commit(&mut self, step: &Step) -> Result<Value, Error> {
        let mut transaction = Transaction::new();
        for write in step.steps.iter().filter(|step| step.is_for(HOST)) {
            // The name stays for those that follow.
            transaction = match &write.collection {
                None => transaction.default_collection(),
                Some(name) => transaction.collection(name)?,
            };
            let added = in_commit(transaction, &write.verb, &self.arguments(write))?;
            transaction = added.unwrap_or_else(|| panic!("{} is not known to commit", write.verb));
        }
        Ok(json!(self.db().commit(transaction)?))
    }

    /// Does the steps of a transaction. Those outside of it need the way by which others can come in between.
    fn transaction(&mut self, step: &Step) -> Result<Outcome, String> {
        let outcome = if step.steps.iter().any(|step| step.outside) {
            self.interleaved(&step.steps)?
        } else {
            let Self { db, kept, .. } = self;
            let work = |tx: &mut ActiveTransaction<'_, S::File>| -> Result<(), Stop> {
                step.steps.iter().filter(|step| step.is_for(HOST)).try_for_each(|step| inner(tx, step, kept))
            };
            db.as_mut().expect("it is open").transaction(work)
        };
        Ok(match outcome {
            Ok(()) => Ok(none()),
            Err(Stop::Failed(error)) => Err(error.code().as_str().to_owned()),
            Err(Stop::Thrown) => Err(THROWN.to_owned()),
            Err(Stop::Wrong(wrong)) => return Err(wrong),
        })
    }

    fn interleaved(&mut self, steps: &[Step]) -> Result<Result<(), Stop>, String> {
        let mut open = self.db().begin().map_err(|error| error.to_string())?;
        for step in steps.iter().filter(|step| step.is_for(HOST)) {
            if step.outside {
                let outcome = self.call(step).map_err(|error| error.code().as_str().to_owned());
                judge(outcome, step, &mut self.kept)?;
                continue;
            }
            let Self { db, kept, .. } = self;
            if let Err(stop) = inner(&mut open.on(db.as_ref().expect("it is open")), step, kept) {
                self.db().roll_back(open);
                return Ok(Err(stop));
            }
        }
        Ok(self.db().commit_open(open).map(|_| ()).map_err(Stop::Failed))
    }
}

/// A step in a transaction.
fn inner<F: ferrolite::fs::File>(tx: &mut ActiveTransaction<'_, F>, step: &Step, kept: &mut Kept) -> Result<(), Stop> {
    if step.verb == "throw" {
        return Err(Stop::Thrown);
    }
    let args = Arguments(step.args.iter().map(|value| kept.resolve(value)).collect());
    let outcome = match &step.collection {
        None => in_transaction(tx, &step.verb, &args),
        Some(name) => tx.collection(name).and_then(|mut tx| in_transaction(&mut tx, &step.verb, &args)),
    };
    // What nobody expects ends the work, as it would a caller's.
    match outcome {
        Err(error) if step.error.is_none() => return Err(Stop::Failed(error)),
        _ => {}
    }
    let outcome = outcome.map(|answer| answer.unwrap_or_else(|| panic!("{} is not known to transactions", step.verb)));
    judge(outcome.map_err(|error| error.code().as_str().to_owned()), step, kept)
        .map_err(|wrong| Stop::Wrong(format!("in it, {}: {wrong}", step.verb)))
}
