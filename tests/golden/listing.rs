//! A golden file, and the listing beside it: what a reader must find.

use crate::support::oracle::find_in;
use ferrolite::fs::File;
use ferrolite::{Condition, Database, Encryption, FindOptions, IndexInfo, Range};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where the files are, from the package's own folder, in which tests run.
pub const FOLDER: &str = "tests/golden";
/// Longer texts are listed by their length and hash.
const LISTED_LENGTH_MAX: usize = 1000;

/// What is in a file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// What is special about the file.
    pub about: String,
    /// What opens the file; nothing, when it is not encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlock: Option<Unlock>,
    /// The time for which the rest holds, milliseconds since 1970.
    pub now_ms: u64,
    /// The version of the last commit.
    pub version: u64,
    pub indexes: Vec<Index>,
    pub documents: Vec<Document>,
    pub finds: Vec<Find>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlock {
    /// In hexadecimal.
    Key(String),
    Passphrase(String),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    pub path: String,
    /// `building`, `ready`, or `dropping`: then [`Database::indexes`] does not show it.
    pub state: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    pub key: String,
    pub version: u64,
    pub expires_at: Option<u64>,
    #[serde(flatten)]
    pub json: Text,
}

/// A document's text.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    Whole {
        json: String,
    },
    /// Its length in bytes and its XXH3-64 in hexadecimal.
    Hashed {
        length: usize,
        xxh3: String,
    },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Find {
    pub path: String,
    pub condition: String,
    pub reverse: bool,
    pub keys: Vec<String>,
}

/// The names of all golden files.
pub fn names() -> Vec<String> {
    let files = std::fs::read_dir(FOLDER).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = files.filter_map(|file| file.strip_suffix(".db.lz4").map(str::to_owned)).collect();
    names.sort();
    names
}

pub fn path_of(name: &str, ending: &str) -> PathBuf {
    PathBuf::from(FOLDER).join(format!("{name}{ending}"))
}

pub fn read(name: &str) -> (Vec<u8>, Listing) {
    let packed = std::fs::read(path_of(name, ".db.lz4")).unwrap();
    let listing = std::fs::read(path_of(name, ".json")).unwrap();
    (unpack(&packed), serde_json::from_slice(&listing).unwrap())
}

/// An LZ4 block behind the length that it has unpacked, a `u32`.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0; 4 + lz4_flex::block::get_maximum_output_size(bytes.len())];
    packed[..4].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    let length = lz4_flex::block::compress_into(bytes, &mut packed[4..]).unwrap();
    packed.truncate(4 + length);
    packed
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let (length, block) = packed.split_first_chunk().unwrap();
    let mut bytes = vec![0; u32::from_le_bytes(*length) as usize];
    assert_eq!(lz4_flex::block::decompress_into(block, &mut bytes).unwrap(), bytes.len());
    bytes
}

impl Unlock {
    pub fn encryption(&self) -> Encryption {
        match self {
            Self::Key(text) => {
                let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
                Encryption::key(std::array::from_fn(byte))
            }
            Self::Passphrase(text) => Encryption::passphrase(text.as_str()),
        }
    }
}

impl Text {
    fn of(json: &str) -> Self {
        if json.len() <= LISTED_LENGTH_MAX {
            return Self::Whole { json: json.to_owned() };
        }
        Self::Hashed { length: json.len(), xxh3: format!("{:016x}", xxhash_rust::xxh3::xxh3_64(json.as_bytes())) }
    }
}

/// All documents of a database.
pub fn documents<F: File>(db: &Database<F>) -> Vec<Document> {
    let documents = db.scan(&Range::all()).unwrap().map(|document| document.unwrap());
    documents
        .map(|it| Document { key: it.key, version: it.version, expires_at: it.expires_at, json: Text::of(&it.json) })
        .collect()
}

impl Find {
    pub fn ask<F: File>(db: &Database<F>, path: &str, condition: &str, reverse: bool) -> Self {
        let options = FindOptions { reverse, limit: None, ..FindOptions::default() };
        let keys = db.find(path, &Condition::parse(condition).unwrap(), &options).unwrap();
        Self { path: path.to_owned(), condition: condition.to_owned(), reverse, keys }
    }

    /// What the documents say themselves.
    pub fn is_right<F: File>(&self, db: &Database<F>) -> bool {
        let options = FindOptions { reverse: self.reverse, limit: None, ..FindOptions::default() };
        find_in(&db.entries_json(&Range::all()).unwrap(), &self.path, &self.condition, options) == self.keys
    }
}

impl Listing {
    /// What opens the file.
    pub fn encryption(&self) -> Option<Encryption> {
        self.unlock.as_ref().map(Unlock::encryption)
    }

    /// The indexes as [`Database::indexes`] shows them.
    pub fn shown_indexes(&self) -> Vec<IndexInfo> {
        let shown = self.indexes.iter().filter(|index| index.state != "dropping");
        shown
            .map(|index| IndexInfo { path: index.path.clone(), ready: index.state == "ready", ..IndexInfo::default() })
            .collect()
    }

    /// As JSON, with a line for each document.
    pub fn to_text(&self) -> String {
        let text = serde_json::to_string(self).unwrap();
        text.replace(",{\"key\":", ",\n{\"key\":")
            .replace(",\"documents\":[", ",\n\"documents\":[\n")
            .replace("],\"finds\"", "\n],\n\"finds\"")
            + "\n"
    }

    /// Compares a database, at the time of the listing, with what is listed.
    pub fn compare<F: File>(&self, db: &Database<F>) {
        assert_eq!(documents(db), self.documents);
        assert_eq!(db.count(&Range::all()).unwrap(), self.documents.len() as u64);
        for document in &self.documents {
            let found = db.get_document(&document.key).unwrap().unwrap();
            assert_eq!((found.version, found.expires_at), (document.version, document.expires_at));
            assert_eq!(Text::of(&found.json), document.json);
            assert_eq!(db.ttl(&document.key).unwrap(), found.ttl(self.now_ms));
        }
        for find in &self.finds {
            assert_eq!(Find::ask(db, &find.path, &find.condition, find.reverse), *find);
        }
        crate::support::assert_sound(db);
    }
}
