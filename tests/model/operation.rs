//! What can be done with a database, as data.

use ferrolite::{FindOptions, Range};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A key, a document or a condition. Long ones are abbreviated in messages.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Text(pub Arc<str>);

/// A write: one commit or none. All of them may stand in a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Write {
    /// `set_json`.
    Set {
        key: Text,
        json: Text,
    },
    /// `set`, of the value that the text stands for.
    SetValue {
        key: Text,
        json: Text,
    },
    SetEx {
        key: Text,
        json: Text,
        ttl_ms: u64,
    },
    SetMany {
        documents: Vec<(Text, Text)>,
    },
    Delete {
        key: Text,
    },
    DeleteRange {
        range: Range,
    },
    Expire {
        key: Text,
        ttl_ms: u64,
    },
    Persist {
        key: Text,
    },
    Commit {
        writes: Vec<Part>,
    },
}

/// A part of a transaction.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Part {
    Set {
        key: Text,
        json: Text,
    },
    SetEx {
        key: Text,
        json: Text,
        ttl_ms: u64,
    },
    /// `set_until_json`: at this time, in milliseconds since 1970.
    SetUntil {
        key: Text,
        json: Text,
        at_ms: u64,
    },
    Delete {
        key: Text,
    },
}

/// Any operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Operation {
    /// Writes that share one write to the file and one flush, which may fail.
    Group {
        writes: Vec<Write>,
        fails: bool,
    },
    Get {
        key: Text,
    },
    GetMany {
        keys: Vec<Text>,
    },
    Ttl {
        key: Text,
    },
    Count {
        range: Range,
    },
    Keys {
        range: Range,
    },
    Entries {
        range: Range,
    },
    Find {
        path: Text,
        condition: Text,
        options: FindOptions,
    },
    CreateIndex {
        path: Text,
    },
    IndexStep {
        path: Text,
        budget: usize,
    },
    DropIndex {
        path: Text,
    },
    Indexes,
    /// Holds a snapshot, to be read page by page.
    Snapshot {
        range: Range,
        documents: usize,
        bytes: usize,
    },
    /// The next page of a snapshot that is held; behind the last one the first again.
    Page {
        slot: usize,
    },
    Release {
        slot: usize,
    },
    /// The clock moves on.
    Wait {
        ms: u64,
    },
    /// The clock is set back.
    SetBack {
        ms: u64,
    },
    Flush,
    Tick,
    Maintain {
        budget: usize,
    },
    Compact,
    /// A slice of a compaction that goes on over other operations.
    CompactStep {
        budget: usize,
    },
    Check,
    /// The database is closed, or dropped as it is, and opened again.
    Reopen {
        closes: bool,
    },
    /// The same, and it takes no writes until it is opened again.
    ReopenReadOnly,
    #[serde(untagged)]
    Write(Write),
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0.as_ref().to_owned()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(120) {
            Some((end, _)) => write!(formatter, "{:?}.. of {} bytes", &self.0[..end], self.0.len()),
            None => write!(formatter, "{:?}", &*self.0),
        }
    }
}
