//! What input is refused, and with which code.

use crate::json::Json;
use crate::operation::Text;
use ferrolite::{ErrorCode, MAX_KEY_LENGTH, MAX_PATH_LENGTH, Range};

/// The last millisecond of the year 9999, at which documents may still expire.
const LAST_EXPIRY_MS: u64 = 253_402_300_799_999;

pub fn check_key(key: &Text) -> Result<(), ErrorCode> {
    if key.is_empty() || key.len() > MAX_KEY_LENGTH { Err(ErrorCode::InvalidKey) } else { Ok(()) }
}

pub fn check_json(text: &str) -> Result<(), ErrorCode> {
    Json::parse(text).map(drop).ok_or(ErrorCode::InvalidValue)
}

pub fn check_expiry(at_ms: u64) -> Result<u64, ErrorCode> {
    if at_ms == 0 || at_ms > LAST_EXPIRY_MS { Err(ErrorCode::InvalidOptions) } else { Ok(at_ms) }
}

pub fn check_range(range: &Range) -> Result<(), ErrorCode> {
    let bounds = [&range.gt, &range.gte, &range.lt, &range.lte, &range.prefix];
    let is_too_long = bounds.into_iter().flatten().any(|key| key.len() > MAX_KEY_LENGTH);
    let is_contradiction = range.gt.is_some() && range.gte.is_some() || range.lt.is_some() && range.lte.is_some();
    if is_too_long || is_contradiction { Err(ErrorCode::InvalidRange) } else { Ok(()) }
}

pub fn check_path(path: &str) -> Result<(), ErrorCode> {
    let is_bad = path.is_empty() || path.len() > MAX_PATH_LENGTH || path.split('.').any(str::is_empty);
    if is_bad { Err(ErrorCode::InvalidPath) } else { Ok(()) }
}
