//! The table: what is in the files of `table/`, as its README tells.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::path::Path;

/// A file of the table.
pub struct Topic {
    pub name: String,
    pub scenarios: Vec<Scenario>,
}

/// A database that is empty at first, and what is done with it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    /// Whether it is about what stays, so that it is nothing for memory.
    #[serde(default)]
    pub persists: bool,
    pub steps: Vec<Step>,
}

/// A call, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub verb: String,
    #[serde(default)]
    pub args: Vec<Value>,
    #[serde(default)]
    pub collection: Option<String>,
    #[serde(default)]
    pub snapshot: Option<String>,
    /// Of a transaction: what is done in it.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// In a transaction: on the database, and not by the transaction.
    #[serde(default)]
    pub outside: bool,
    /// Anything when it is not there; `null` is a value.
    #[serde(default, deserialize_with = "there")]
    pub result: Option<Value>,
    #[serde(default)]
    pub error: Option<String>,
    /// Those that do the step; all when it is not there.
    #[serde(default)]
    pub hosts: Option<Vec<String>>,
}

fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Step {
    /// Of `reopen`: whether the database is read-only from then on.
    pub fn is_read_only(&self) -> bool {
        self.args.first().is_some_and(|options| options["readOnly"] == Value::Bool(true))
    }

    pub fn is_for(&self, host: &str) -> bool {
        self.hosts.as_ref().is_none_or(|hosts| hosts.iter().any(|name| name == host))
    }
}

impl Scenario {
    /// The steps, with those within transactions.
    pub fn all_steps(&self) -> Vec<&Step> {
        self.steps.iter().flat_map(|step| std::iter::once(step).chain(&step.steps)).collect()
    }
}

/// The whole table.
pub fn topics() -> Vec<Topic> {
    // On WASI the package's folder is the current one, and has no other name.
    let folder = Path::new("tests/verbs/table");
    let read = |name: &str| {
        let path = folder.join(format!("{name}.json"));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let names: Vec<String> = serde_json::from_str(&read("topics")).unwrap();
    let mut there: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    there.retain(|name| name.to_str().is_some_and(|name| name.ends_with(".json") && name != "topics.json"));
    assert_eq!(there.len(), names.len(), "topics.json names the files of the table: {there:?}");
    let topic = |name: String| {
        let scenarios = serde_json::from_str(&read(&name)).unwrap_or_else(|error| panic!("{name}.json: {error}"));
        Topic { name, scenarios }
    };
    names.into_iter().map(topic).collect()
}
