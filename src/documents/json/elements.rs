//! Elements of a JSON array, one by one.

use super::ordering::Unencodable;
use super::ordering::encode_exact;
use super::path::NotJson;
use super::path::Scanned;
use super::scanner::Scanner;

/// Gives each element of the array `text` to `see`. False when it is no array.
pub(crate) fn each_element(text: &str, mut see: impl FnMut(&str) -> Scanned<()>) -> Scanned<bool> {
    let mut scanner = Scanner::new(text);
    if scanner.peek().ok_or(NotJson)? != b'[' {
        return Ok(false);
    }
    scanner.take(b'[').ok_or(NotJson)?;
    while scanner.element().ok_or(NotJson)? {
        see(scanner.value().ok_or(NotJson)?)?;
    }
    Ok(true)
}

/// The exact encoding of an element; `None` when it is nested too deep to be compared.
pub(crate) fn encoded_element(text: &str) -> Scanned<Option<Vec<u8>>> {
    match encode_exact(text) {
        Ok(encoded) => Ok(Some(encoded)),
        Err(Unencodable::TooDeep) => Ok(None),
        Err(Unencodable::NotJson) => Err(NotJson),
    }
}
