//! For tests: every pair of key and nonce that sealed something. No key may meet a nonce twice.

use std::cell::RefCell;
use std::collections::HashSet;

use super::sizes::{KEY_LEN, Nonce};

thread_local! {
    static USED: RefCell<HashSet<([u8; KEY_LEN], Nonce)>> = RefCell::default();
}

/// Notes that something is sealed, and fails when that was done before.
pub(super) fn record(key: &[u8; KEY_LEN], nonce: &Nonce) {
    let is_new = USED.with_borrow_mut(|used| used.insert((*key, *nonce)));
    assert!(is_new, "a key has met the nonce {nonce:?} a second time");
}

/// Forgets the pairs of this thread, and returns their count: a test that repeats its randomness repeats its keys.
pub(crate) fn forget() -> usize {
    USED.with_borrow_mut(|used| std::mem::take(used).len())
}
