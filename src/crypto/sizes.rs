//! The sizes of keys and nonces.

/// Length of a key, bytes.
pub const KEY_LEN: usize = 32;

/// Length of a nonce, bytes.
pub const NONCE_LEN: usize = 12;

/// Used once with a key.
pub type Nonce = [u8; NONCE_LEN];
