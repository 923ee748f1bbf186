//! How to open a database.

use super::error::{Error, Result};
use crate::crypto::Encryption;
use crate::engine;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// How to open a database. Unknown fields are rejected when options are read from JSON.
///
/// ```
/// use ferrolite::{Durability, Options};
///
/// let options: Options = serde_json::from_str(r#"{"durability": {"periodic": 500}, "create": false}"#).unwrap();
/// assert_eq!(options.durability, Durability::Periodic { interval_ms: 500 });
/// assert!(serde_json::from_str::<Options>(r#"{"durabilty": "never"}"#).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Options {
    /// Creates the database if it does not exist. Default: true.
    pub create: bool,
    /// Refuses every write. Default: false.
    pub read_only: bool,
    /// Opens a damaged database too, at the newest state that is proven complete; only together
    /// with `read_only`. [`Database::damage`](crate::Database::damage) tells what was found. Default: false.
    pub allow_damage: bool,
    /// When a commit is made durable. Default: [`Durability::Always`].
    pub durability: Durability,
    /// Bytes of memory for what was read: an eighth for single documents and index entries that are read again and again,
    /// the rest for pages. Default: 8 MiB.
    pub cache_size: usize,
    /// Bytes of memory for what was written and is not yet in tables, 16 KiB to 1 GiB. Default: 4 MiB.
    pub memtable_size: usize,
    /// Bytes of a page before compression, for pages written from now on, 512 to 64 KiB. Default: 8 KiB.
    pub page_size: usize,
    /// How pages are compressed, for pages written from now on. Default: [`Compression::Lz4`].
    pub compression: Compression,
    /// Seconds after which a snapshot, a scan or a transaction that is not ended ends by itself. Default: 3,600.
    pub snapshot_max_age: u64,
    /// Bytes that may be written while a snapshot, a scan or a transaction is held, before it ends by itself: about what the
    /// file grows by to keep what it sees. Default: 1 GiB.
    pub snapshot_max_bytes: u64,
    /// Measures the durations of operations, for [`Database::stats`](crate::Database::stats). It takes two readings
    /// of a clock each, natively about 60 ns: much beside a read that finds its page in memory. Default: false.
    pub latencies: bool,
    /// True if each commit notes what it has changed, so that watches can go on from a version of before; and for how long.
    /// Default: none.
    pub change_history: Option<ChangeHistory>,
    /// Bytes of memory for what recent commits have changed, while somebody watches. A watch that falls behind by more than
    /// this, and by more than the change history, ends with `ChangesLost`. Default: 4 MiB.
    pub watch_buffer: usize,
    /// The key or passphrase of an encrypted database; a new one is encrypted when it is given. Not part of the JSON of
    /// options. Default: none.
    #[serde(skip)]
    pub encryption: Option<Encryption>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            create: true,
            read_only: false,
            allow_damage: false,
            durability: Durability::Always,
            cache_size: 8 << 20,
            memtable_size: 4 << 20,
            page_size: 8 << 10,
            compression: Compression::Lz4,
            snapshot_max_age: 3600,
            snapshot_max_bytes: 1 << 30,
            latencies: false,
            change_history: None,
            watch_buffer: 4 << 20,
            encryption: None,
        }
    }
}

/// How long the change history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeHistory {
    /// Seconds after which what a commit has noted goes, as documents that expire; 1 to a hundred years of them.
    pub seconds: u64,
}

/// A hundred years: whatever the clock says, expiries stay within what is allowed.
const HISTORY_SECONDS: RangeInclusive<u64> = 1..=100 * 365 * 86_400;

/// Smaller pages hold hardly an entry, larger ones cost too much for reading one.
const PAGE_SIZE: RangeInclusive<usize> = 512..=64 << 10;
/// Below, every few commits would make a table; above, a wasm module has no room for two of them.
const MEMTABLE_SIZE: RangeInclusive<usize> = 16 << 10..=1 << 30;

/// When a commit is made durable: whether it survives that the power fails. It is atomic in any case.
///
/// In JSON `"always"`, `"never"` or `{"periodic": milliseconds}`; as text `always`, `never` or `periodic:MILLISECONDS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "DurabilityJson", try_from = "DurabilityJson")]
pub enum Durability {
    /// Before the call returns.
    #[default]
    Always,
    /// With the first write or [`tick`](crate::Database::tick) after this time, at the latest on closing.
    Periodic {
        /// Milliseconds between flushes, at least 1.
        interval_ms: u64,
    },
    /// On [`flush`](crate::Database::flush) and on closing.
    Never,
}

/// How pages are compressed. In JSON and as text `none` or `lz4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Compression {
    /// Not at all.
    None,
    /// By LZ4, where that makes a page smaller.
    #[default]
    Lz4,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum DurabilityJson {
    Always,
    Periodic(u64),
    Never,
}

impl From<Durability> for DurabilityJson {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Always => Self::Always,
            Durability::Periodic { interval_ms } => Self::Periodic(interval_ms),
            Durability::Never => Self::Never,
        }
    }
}

impl TryFrom<DurabilityJson> for Durability {
    type Error = Error;

    fn try_from(durability: DurabilityJson) -> Result<Self> {
        let durability = match durability {
            DurabilityJson::Always => Self::Always,
            DurabilityJson::Periodic(interval_ms) => Self::Periodic { interval_ms },
            DurabilityJson::Never => Self::Never,
        };
        durability.check()
    }
}

impl Durability {
    fn check(self) -> Result<Self> {
        match self {
            Self::Periodic { interval_ms: 0 } => {
                Err(Error::invalid_options("periodic durability needs at least 1 millisecond; or say `always`"))
            }
            valid => Ok(valid),
        }
    }
}

impl FromStr for Durability {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let durability = match text.split_once(':') {
            None if text == "always" => Some(Self::Always),
            None if text == "never" => Some(Self::Never),
            Some(("periodic", ms)) => ms.parse().ok().map(|interval_ms| Self::Periodic { interval_ms }),
            _ => None,
        };
        durability
            .ok_or_else(|| {
                Error::invalid_options(format!(
                    "durability is `always`, `never` or `periodic:MILLISECONDS`, not {}",
                    super::error::abbreviate(text)
                ))
            })?
            .check()
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => formatter.write_str("always"),
            Self::Periodic { interval_ms } => write!(formatter, "periodic:{interval_ms}"),
            Self::Never => formatter.write_str("never"),
        }
    }
}

impl Options {
    /// The engine's options. It is told of `Always` and `Never` only: this layer keeps the period.
    pub(super) fn for_engine(&self) -> Result<engine::Options> {
        self.durability.check()?;
        check_size("pageSize", self.page_size, PAGE_SIZE)?;
        check_size("memtableSize", self.memtable_size, MEMTABLE_SIZE)?;
        self.encryption.as_ref().map_or(Ok(()), check_encryption)?;
        if self.change_history.is_some_and(|history| !HISTORY_SECONDS.contains(&history.seconds)) {
            return Err(Error::invalid_options(
                "`changeHistory` is kept for at least 1 second, and at most a hundred years",
            ));
        }
        if self.allow_damage && !self.read_only {
            return Err(Error::invalid_options(
                "`allowDamage` needs `readOnly`: nothing is written into a damaged file",
            ));
        }
        Ok(engine::Options {
            create: self.create && !self.read_only,
            read_only: self.read_only,
            allow_damage: self.allow_damage,
            durability: match self.durability {
                Durability::Always => engine::Durability::Always,
                Durability::Periodic { .. } | Durability::Never => engine::Durability::Never,
            },
            cache_size: self.cache_size,
            memtable_size: self.memtable_size,
            page_size: self.page_size,
            compression: match self.compression {
                Compression::None => engine::Compression::None,
                Compression::Lz4 => engine::Compression::Lz4,
            },
            encryption: self.encryption.clone(),
        })
    }
}

/// Fails when a key can be opened by anybody, or costs too much to open.
pub(super) fn check_encryption(encryption: &Encryption) -> Result<()> {
    encryption.check().map_err(Error::invalid_options)
}

fn check_size(name: &str, bytes: usize, allowed: RangeInclusive<usize>) -> Result<()> {
    if allowed.contains(&bytes) {
        return Ok(());
    }
    let (least, most) = allowed.into_inner();
    Err(Error::invalid_options(format!("`{name}` is between {least} and {most} bytes, not {bytes}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durability_reads_what_it_writes() {
        for durability in [Durability::Always, Durability::Never, Durability::Periodic { interval_ms: 250 }] {
            assert_eq!(durability.to_string().parse::<Durability>().unwrap(), durability);
            let json = serde_json::to_string(&durability).unwrap();
            assert_eq!(serde_json::from_str::<Durability>(&json).unwrap(), durability);
        }
        assert_eq!(serde_json::to_string(&Durability::Periodic { interval_ms: 5 }).unwrap(), r#"{"periodic":5}"#);
    }

    #[test]
    fn durability_says_what_is_allowed() {
        for text in ["", "sometimes", "periodic", "periodic:", "periodic:-1", "periodic:0"] {
            assert!(text.parse::<Durability>().unwrap_err().to_string().contains("always"), "{text}");
        }
        assert!(serde_json::from_str::<Durability>(r#"{"periodic":0}"#).is_err());
    }

    #[test]
    fn sizes_have_limits() {
        let fails = |options: Options| options.for_engine().is_err();
        assert!(fails(Options { page_size: 0, ..Options::default() }));
        assert!(fails(Options { page_size: 1 << 20, ..Options::default() }));
        assert!(fails(Options { memtable_size: 1000, ..Options::default() }));
        let history = |seconds| Some(ChangeHistory { seconds });
        assert!(fails(Options { change_history: history(0), ..Options::default() }));
        assert!(fails(Options { change_history: history(u64::MAX), ..Options::default() }));
        assert!(!fails(Options { change_history: history(1), ..Options::default() }));
        assert!(!fails(Options { cache_size: 0, page_size: 512, memtable_size: 16 << 10, ..Options::default() }));
    }

    #[test]
    fn a_database_opened_read_only_is_not_created() {
        let options = Options { read_only: true, ..Options::default() };
        assert!(!options.for_engine().unwrap().create);
    }
}
