//! Watches: each has a number, and its changes are asked for batch by batch. Who asks when there is nothing yet is answered as
//! pending, and later like a task.

use super::answer::Answer;
use super::call::not_understood;
use super::results::row;
use crate::documents::{
    Change, Database, Document, Error, PageLimits, QueryChanges, QueryRow, QueryWatcher, Result, Watcher,
};
use crate::fs::File;
use std::collections::BTreeMap;
use std::time::Duration;

/// The watches that are open, by number.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    open: BTreeMap<u64, Watch>,
}

#[derive(Debug)]
struct Watch {
    what: Watched,
    /// The number under which the one who asked is answered.
    waiting: Option<u64>,
    /// The last delivered version that the client knows.
    passed: u64,
}

/// The subject of a watch.
#[derive(Debug)]
pub(crate) enum Watched {
    Keys(Box<Watcher>),
    Query(Box<QueryWatcher>),
}

impl Watches {
    /// Answers the number of a new watch, and the version after which it delivers changes.
    pub fn open(&mut self, id: u64, what: Watched, answer: &mut Answer) -> Result<()> {
        let passed = what.passed();
        self.open.insert(id, Watch { what, waiting: None, passed });
        answer.value(&(id, passed))
    }

    /// Returns, of each waiting watch, its number and its last delivered version, if that version has changed.
    pub fn passed(&mut self) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        for (id, watch) in self.open.iter_mut().filter(|(_, watch)| watch.waiting.is_some()) {
            let passed = watch.what.passed();
            if std::mem::replace(&mut watch.passed, passed) != passed {
                found.push((*id, passed));
            }
        }
        found
    }

    /// Answers the next changes of a watch, or as pending `task` when there are none yet. A watch that fails is over.
    pub fn next<F: File>(
        &mut self,
        database: &mut Database<F>,
        id: u64,
        task: impl FnOnce() -> u64,
        answer: &mut Answer,
    ) -> Result<()> {
        let watch = self.open.get_mut(&id).ok_or(Error::Aborted)?;
        if watch.waiting.is_some() {
            return Err(not_understood("a watch that is asked twice"));
        }
        match watch.what.answer(database, answer) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let task = task();
                watch.waiting = Some(task);
                answer.pending(task);
                Ok(())
            }
            Err(error) => {
                self.open.remove(&id);
                Err(error)
            }
        }
    }

    /// Ends a watch; who waits for it is answered that it is over.
    pub fn close(&mut self, id: u64) -> Option<Vec<u8>> {
        let task = self.open.remove(&id)?.waiting?;
        let mut answer = Answer::default();
        answer.done();
        Some(answer.finish_task(task))
    }

    /// True if somebody who waits may be answered.
    pub fn are_ready<F: File>(&self, database: &Database<F>) -> bool {
        self.waiting().any(|what| what.is_ready(database))
    }

    /// How long until somebody who waits may be answered because something expires.
    pub fn next_expiry<F: File>(&self, database: &Database<F>) -> Option<Duration> {
        self.waiting().filter(|what| !what.is_ready(database)).filter_map(|what| what.next_expiry(database)).min()
    }

    /// Answers one of those who wait, as `[task, result]`, when there is something for them.
    pub fn step<F: File>(&mut self, database: &mut Database<F>) -> Option<Vec<u8>> {
        let mut failed = None;
        for (id, watch) in &mut self.open {
            let Some(task) = watch.waiting.filter(|_| watch.what.is_ready(database)) else { continue };
            let mut answer = Answer::default();
            let mark = answer.mark();
            match watch.what.answer(database, &mut answer) {
                Ok(false) => continue,
                Ok(true) => {
                    watch.waiting = None;
                    return Some(answer.finish_task(task));
                }
                Err(error) => {
                    answer.fail(mark, &error);
                    failed = Some((*id, answer.finish_task(task)));
                    break;
                }
            }
        }
        let (id, answer) = failed?;
        self.open.remove(&id);
        Some(answer)
    }

    fn waiting(&self) -> impl Iterator<Item = &Watched> {
        self.open.values().filter(|watch| watch.waiting.is_some()).map(|watch| &watch.what)
    }
}

impl Watched {
    /// Returns the last delivered version. A query that is watched again learns the changes from its rows.
    fn passed(&self) -> u64 {
        match self {
            Self::Keys(watcher) => watcher.version(),
            Self::Query(_) => 0,
        }
    }

    fn is_ready<F: File>(&self, database: &Database<F>) -> bool {
        match self {
            Self::Keys(watcher) => database.may_have_changes(watcher),
            Self::Query(query) => database.may_have_query_changes(query),
        }
    }

    fn next_expiry<F: File>(&self, database: &Database<F>) -> Option<Duration> {
        match self {
            Self::Keys(watcher) => database.next_expiry(watcher),
            Self::Query(query) => database.next_query_expiry(query),
        }
    }

    /// Answers the changes. Returns false if there are none.
    fn answer<F: File>(&mut self, database: &mut Database<F>, answer: &mut Answer) -> Result<bool> {
        match self {
            Self::Keys(watcher) => {
                let changes = database.changes(watcher, PageLimits::default())?;
                if changes.is_empty() {
                    return Ok(false);
                }
                answer.open();
                answer.array(changes.iter().map(Ok), change)?;
            }
            Self::Query(query) => {
                let Some(changes) = database.query_changes(query)? else { return Ok(false) };
                answer.open();
                query_changes(answer, changes)?;
            }
        }
        answer.close();
        Ok(true)
    }
}

fn change(answer: &mut Answer, change: &Change) -> Result<()> {
    match &change.json {
        Some(json) => answer.object_with(change, "value", json),
        None => answer.json(change),
    }
}

fn query_changes(answer: &mut Answer, changes: QueryChanges) -> Result<()> {
    let write = |answer: &mut Answer, changed: QueryRow| {
        let QueryRow { key, version, json, bytes } = changed;
        row(answer, Document { key, json, bytes, version, expires_at: None })
    };
    answer.rows_at("\"added\",");
    answer.text(&format!(r#"{{"version":{},"added":"#, changes.version));
    answer.array(changes.added.into_iter().map(Ok), write)?;
    answer.rows_at("\"changed\",");
    answer.text(r#","changed":"#);
    answer.array(changes.changed.into_iter().map(Ok), write)?;
    answer.text(r#","removed":"#);
    answer.json(&changes.removed)?;
    answer.text("}");
    Ok(())
}
