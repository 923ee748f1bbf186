//! Where a page of rows ended, as a string that the next page begins with.
//!
//! ```text
//! base64url of:  u8 1 | XXH3-64 of the order, 8 bytes | length of the encodings, u32 | encodings | key
//! ```

use super::order::{Order, Place};
use crate::documents::error::{Error, Result};
use crate::documents::keyspace::key::check_key;
use xxhash_rust::xxh3::xxh3_64;

const VERSION: u8 = 1;
const HEAD_LENGTH: usize = 1 + 8 + 4;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The token of a row.
pub(super) fn write(order: &Order, place: &Place) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&fingerprint(order));
    bytes.extend_from_slice(&(place.sort.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&place.sort);
    bytes.extend_from_slice(place.key.as_bytes());
    to_text(&bytes)
}

/// The row that a token is of.
///
/// # Errors
/// `InvalidOptions` when it is no token, or one of a query with another order.
pub(super) fn read(order: &Order, token: &str) -> Result<Place> {
    let other_order = || Error::invalid_options("`after` is of a query with another order; begin without it");
    let bytes = from_text(token).ok_or_else(no_token)?;
    let (head, rest) = bytes.split_first_chunk::<HEAD_LENGTH>().ok_or_else(no_token)?;
    let [version, order_hash @ .., a, b, c, d] = head;
    if *version != VERSION {
        return Err(no_token());
    }
    if *order_hash != fingerprint(order) {
        return Err(other_order());
    }
    let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
    let (sort, key) = rest.split_at_checked(length).ok_or_else(no_token)?;
    let key = std::str::from_utf8(key).ok().filter(|key| check_key(key).is_ok()).ok_or_else(no_token)?;
    Ok(order.row(sort.to_vec(), key))
}

fn no_token() -> Error {
    Error::invalid_options("`after` is not a cursor that a query returned")
}

/// Tokens of one order do not fit another one.
fn fingerprint(order: &Order) -> [u8; 8] {
    let mut text = vec![u8::from(order.keys_descend)];
    for component in &order.components {
        text.extend_from_slice(component.path.as_str().as_bytes());
        text.extend_from_slice(&[0, u8::from(component.descends)]);
    }
    xxh3_64(&text).to_le_bytes()
}

fn to_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            text.push(char::from(DIGITS[(group >> (18 - 6 * index) & 63) as usize]));
        }
    }
    text
}

fn from_text(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    for chunk in text.as_bytes().chunks(4) {
        let digit = |group: u32, byte: &u8| Some(group << 6 | DIGITS.iter().position(|digit| digit == byte)? as u32);
        let group = chunk.iter().try_fold(0u32, digit)? << (6 * (4 - chunk.len()));
        let [_, decoded @ ..] = group.to_be_bytes();
        bytes.extend_from_slice(decoded.get(..chunk.len().checked_sub(1).filter(|length| *length > 0)?)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;
    use crate::documents::json::path::Path;
    use crate::documents::query::extract::Paths;
    use proptest::prelude::*;

    fn order(path: &str, reverse: bool) -> Order {
        Order::new(vec![(Path::parse(path).unwrap(), false)], reverse, &mut Paths::default())
    }

    proptest! {
        #[test]
        fn tokens_come_back(sort in any::<Vec<u8>>(), key in ".{1,9}") {
            let order = order("a", false);
            let place = order.row(sort, &key);
            let token = write(&order, &place);
            prop_assert!(token.bytes().all(|byte| DIGITS.contains(&byte)));
            prop_assert_eq!(read(&order, &token).unwrap(), place);
        }

        #[test]
        fn any_text_is_survived(text in "[A-Za-z_=é]{0,30}") {
            prop_assert_eq!(read(&order("a", false), &text).unwrap_err().code(), ErrorCode::InvalidOptions);
        }
    }

    #[test]
    fn a_token_fits_its_order_only() {
        let place = order("a", false).row(vec![1, 2], "k");
        let token = write(&order("a", false), &place);
        for other in [order("b", false), order("a", true)] {
            assert!(read(&other, &token).unwrap_err().to_string().contains("another order"));
        }
        for damaged in [&token[1..], &token[..token.len() - 2], ""] {
            assert_eq!(read(&order("a", false), damaged).unwrap_err().code(), ErrorCode::InvalidOptions);
        }
    }
}
