//! The JavaScript boundary: the classes that wasm-bindgen exports, over the messages of [`service`](crate::service).

#[cfg(js)]
mod connection;
mod encryption;
#[cfg(js)]
mod files;
#[cfg(js)]
mod importing;
#[cfg(js)]
mod rest;
#[cfg(js)]
mod salvaging;
