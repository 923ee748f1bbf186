//! What must be in the database after a number of steps, and after parts of the step that was under way.

use std::collections::{BTreeMap, BTreeSet};

use crate::stream::{LONG_TTL_MS, SHORT_TTL_MS, Step};

/// A document, and whether it expires some day.
pub type Stored = (String, bool);

/// The documents and the indexes after some steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    pub documents: BTreeMap<String, Stored>,
    pub indexes: BTreeSet<&'static str>,
}

impl Model {
    /// Carries a step out, and gives how many commits that is. What expires at once is as good as deleted: nobody looks
    /// before it has expired.
    pub fn apply(&mut self, step: &Step) -> u64 {
        match step {
            Step::Set { key, json } => self.set(key, json, false),
            Step::SetExpiring { key, ttl_ms: SHORT_TTL_MS, .. } => drop(self.documents.remove(key)),
            Step::SetExpiring { key, json, ttl_ms } => self.set(key, json, *ttl_ms == LONG_TTL_MS),
            Step::Delete { key } => drop(self.documents.remove(key)),
            Step::Transaction(writes) => {
                for (key, json) in writes {
                    match json {
                        Some(json) => self.set(key, json, false),
                        None => drop(self.documents.remove(key)),
                    }
                }
            }
            Step::DeleteRange { gte, lt } => self.documents.retain(|key, _| key < gte || key >= lt),
            Step::Group(writes) => {
                writes.iter().for_each(|(key, json)| self.set(key, json, false));
                return writes.len() as u64;
            }
            Step::CreateIndex { path } => drop(self.indexes.insert(path)),
            Step::DropIndex { path } => drop(self.indexes.remove(path)),
            Step::Compact | Step::RotateKey | Step::Maintain => return 0,
        }
        1
    }

    /// The states that a step passes through, this one first. Only a group has some between its first and its last.
    pub fn states(&self, step: &Step) -> Vec<Self> {
        let mut states = vec![self.clone()];
        let parts = match step {
            Step::Group(writes) => writes.iter().map(|write| Step::Group(vec![write.clone()])).collect(),
            step => vec![step.clone()],
        };
        for part in parts {
            let mut next = states.last().cloned().unwrap_or_default();
            next.apply(&part);
            states.push(next);
        }
        states
    }

    fn set(&mut self, key: &str, json: &str, expires: bool) {
        self.documents.insert(key.to_owned(), (json.to_owned(), expires));
    }
}
