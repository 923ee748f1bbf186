//! Times to live.
//!
//! A document's expiry is a point in time, in milliseconds since 1970. At that time it is gone for every read;
//! its bytes go with a later compaction. Each operation reads the clock once.

use crate::documents::error::{Error, Result};
use std::time::Duration;

/// The last millisecond of the year 9999: later times do not fit common date formats.
pub(crate) const LAST_EXPIRY_MS: u64 = 253_402_300_799_999;

/// How long a document will live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// There is no such document.
    Missing,
    /// The document does not expire.
    Forever,
    /// The document expires after this time.
    Left(Duration),
}

/// A time to live from `seconds`, whole or fractional, as JavaScript and the command line give it.
///
/// # Errors
/// [`Error::InvalidOptions`] when it is not a number, not above zero, or reaches beyond the year 9999.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(ferrolite::ttl_from_seconds(1.5).unwrap(), Duration::from_millis(1500));
/// assert!(ferrolite::ttl_from_seconds(0.0).is_err());
/// ```
pub fn ttl_from_seconds(seconds: f64) -> Result<Duration> {
    let ttl = Duration::try_from_secs_f64(seconds).ok();
    ttl.filter(|ttl| !ttl.is_zero() && ttl.as_millis() <= u128::from(LAST_EXPIRY_MS)).ok_or_else(|| {
        Error::invalid_options(format!(
            "a time to live is a number of seconds above zero that ends before the year 10000, not {seconds}"
        ))
    })
}

/// When a document with `ttl` expires that is written at `now_ms`. Parts of a millisecond count as a whole one.
pub(crate) fn expiry(now_ms: u64, ttl: Duration) -> Result<u64> {
    if ttl.is_zero() {
        return Err(Error::invalid_options("a time to live must be above zero; to remove a document, delete it"));
    }
    let ttl_ms = u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    check_expiry(now_ms.saturating_add(ttl_ms))
}

/// Checks an expiry that was given as a point in time.
pub(crate) fn check_expiry(expires_at_ms: u64) -> Result<u64> {
    if expires_at_ms == 0 || expires_at_ms > LAST_EXPIRY_MS {
        let reason = format!("a document must expire between 1970 and 9999, not at {expires_at_ms} ms since 1970");
        return Err(Error::invalid_options(reason));
    }
    Ok(expires_at_ms)
}

impl Ttl {
    /// Returns the remaining time of an existing document at `now_ms`.
    pub(crate) fn of(expires_at: Option<u64>, now_ms: u64) -> Self {
        expires_at.map_or(Self::Forever, |at| Self::Left(Duration::from_millis(at.saturating_sub(now_ms))))
    }
}

/// Clock reading that sees documents whatever their expiry: what is overwritten or deleted may have expired, and
/// its index entries must go too.
pub(crate) const IGNORE_EXPIRY_MS: u64 = 0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;

    #[test]
    fn seconds_must_be_a_time_to_come() {
        for seconds in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 3e11] {
            assert_eq!(ttl_from_seconds(seconds).unwrap_err().code(), ErrorCode::InvalidOptions, "{seconds}");
        }
        assert_eq!(ttl_from_seconds(0.25).unwrap(), Duration::from_millis(250));
    }

    #[test]
    fn an_expiry_is_never_early() {
        assert_eq!(expiry(1000, Duration::from_millis(5)).unwrap(), 1005);
        assert_eq!(expiry(1000, Duration::from_nanos(1)).unwrap(), 1001);
        assert!(expiry(1000, Duration::ZERO).is_err());
        assert!(expiry(1000, Duration::MAX).is_err());
        assert!(expiry(LAST_EXPIRY_MS, Duration::from_millis(1)).is_err());
    }
}
