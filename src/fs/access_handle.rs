//! Files of a JavaScript host: OPFS in browsers, `node:fs` in JavaScript runtimes.
//!
//! The host is one JavaScript object:
//!
//! ```ts
//! interface Host {
//!   exclusive: boolean;                                   // nobody else can write a file that is open here
//!   open(name: string, mode: "read" | "write" | "create"): Promise<Handle>;
//!   remove(name: string): Promise<void>;
//!   list(): Promise<string[]>;
//! }
//! ```
//!
//! and a handle has the shape of the browser's `FileSystemSyncAccessHandle`, with one optional method more:
//! `isCurrent(): boolean` returns false if the file's name no longer leads to the open file. Reads and writes hand the host a view of
//! wasm memory, which wasm-bindgen makes for the one call: no bytes are copied on the way, and since the call cannot
//! grow the memory, the view stays good until it returns.
//!
//! The length is tracked here, because asking costs 29 us in Firefox. That is right as long as this handle is the
//! file's only writer, which [`super::Error::Locked`] sees to.

use std::cell::Cell;

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{Error, File, FileSystem, OpenMode, Result};

#[wasm_bindgen]
extern "C" {
    /// The JavaScript object that opens, removes and lists files.
    #[derive(Debug, Clone)]
    #[wasm_bindgen(typescript_type = "Host")]
    pub type Host;

    #[wasm_bindgen(method, getter, structural)]
    fn exclusive(this: &Host) -> bool;
    #[wasm_bindgen(method, catch, structural)]
    fn open(this: &Host, name: &str, mode: &str) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, structural)]
    fn remove(this: &Host, name: &str) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, structural)]
    fn list(this: &Host) -> std::result::Result<Promise, JsValue>;

    /// An open file, shaped like `FileSystemSyncAccessHandle`.
    #[derive(Debug)]
    type Handle;

    #[wasm_bindgen(method, catch, structural)]
    fn read(this: &Handle, buffer: &mut [u8], at: &Position) -> std::result::Result<f64, JsValue>;
    #[wasm_bindgen(method, catch, structural)]
    fn write(this: &Handle, bytes: &[u8], at: &Position) -> std::result::Result<f64, JsValue>;
    #[wasm_bindgen(method, catch, structural)]
    fn truncate(this: &Handle, len: f64) -> std::result::Result<(), JsValue>;
    #[wasm_bindgen(method, catch, structural, js_name = getSize)]
    fn get_size(this: &Handle) -> std::result::Result<f64, JsValue>;
    #[wasm_bindgen(method, catch, structural)]
    fn flush(this: &Handle) -> std::result::Result<(), JsValue>;
    #[wasm_bindgen(method, catch, structural)]
    fn close(this: &Handle) -> std::result::Result<(), JsValue>;
    /// Missing in browsers.
    #[wasm_bindgen(method, getter, structural, js_name = isCurrent)]
    fn is_current(this: &Handle) -> Option<Function>;

    /// The `{ at }` that reads and writes take; one object a file, set again for each call.
    #[derive(Debug)]
    type Position;

    #[wasm_bindgen(method, setter, structural)]
    fn set_at(this: &Position, offset: f64);
}

/// The file system of a JavaScript host.
#[derive(Debug, Clone)]
pub struct AccessHandle {
    host: Host,
}

impl AccessHandle {
    /// Wraps a host object.
    #[must_use]
    pub fn new(host: Host) -> Self {
        Self { host }
    }
}

/// An open file of a JavaScript host; its handle is closed when it is dropped.
#[derive(Debug)]
pub struct AccessHandleFile {
    name: String,
    handle: Handle,
    position: Position,
    len: Cell<u64>,
    exclusive: bool,
}

impl FileSystem for AccessHandle {
    type File = AccessHandleFile;

    async fn open(&self, name: &str, mode: OpenMode) -> Result<AccessHandleFile> {
        let host_mode = match mode {
            OpenMode::ReadOnly => "read",
            OpenMode::ReadWrite => "write",
            OpenMode::Create => "create",
        };
        let opened = settle(self.host.open(name, host_mode)).await;
        let handle: Handle = opened.map_err(|thrown| describe(&thrown, name, "open"))?.unchecked_into();
        let len = match handle.get_size() {
            Ok(len) => whole(len).unwrap_or_default(),
            Err(thrown) => {
                let error = describe(&thrown, name, "len");
                // The first error is the one to report.
                let _ = handle.close();
                return Err(error);
            }
        };
        Ok(AccessHandleFile {
            name: name.to_owned(),
            handle,
            position: Object::new().unchecked_into(),
            len: Cell::new(len),
            exclusive: self.host.exclusive(),
        })
    }

    async fn remove(&self, name: &str) -> Result<()> {
        match settle(self.host.remove(name)).await {
            Ok(_) => Ok(()),
            Err(thrown) => Err(describe(&thrown, name, "remove")),
        }
    }

    async fn list(&self) -> Result<Vec<String>> {
        let names = settle(self.host.list()).await.map_err(|thrown| describe(&thrown, "", "list"))?;
        Ok(Array::from(&names).iter().filter_map(|name| name.as_string()).collect())
    }
}

impl File for AccessHandleFile {
    fn len(&self) -> Result<u64> {
        Ok(self.len.get())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.position.set_at(offset as f64);
        let wanted = buffer.len();
        let count = self.handle.read(buffer, &self.position).map_err(|thrown| self.describe(&thrown, "read_at"))?;
        // A count beyond what was asked for is an error code that the host forgot to throw.
        match whole(count) {
            Some(count) if count <= wanted as u64 => Ok(count as usize),
            _ => Err(self.io("read_at", format!("the host answered {count} for {wanted} bytes"))),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.position.set_at(offset as f64);
        let wanted = bytes.len();
        let written = self.handle.write(bytes, &self.position);
        let count = written.map_err(|thrown| self.describe(&thrown, "write_at")).inspect_err(|_| self.measure())?;
        // When the quota is used up Chromium answers 4294967288 and Firefox a short count; neither throws.
        if whole(count) != Some(wanted as u64) {
            self.measure();
            return Err(Error::StorageFull {
                message: format!("writing {} at {offset}: the host took {count} of {wanted} bytes", self.name),
            });
        }
        self.len.set(self.len.get().max(offset + wanted as u64));
        Ok(wanted)
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.handle.truncate(len as f64).map_err(|thrown| self.describe(&thrown, "truncate"))?;
        self.len.set(len);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.handle.flush().map_err(|thrown| self.describe(&thrown, "sync"))
    }

    fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    fn is_current(&self, len: u64) -> bool {
        let is_shorter = self.handle.get_size().ok().and_then(whole).is_some_and(|found| found < len);
        let answer = self.handle.is_current().and_then(|is_current| is_current.call0(&self.handle).ok());
        !is_shorter && answer.is_none_or(|answer| answer.is_truthy())
    }
}

impl AccessHandleFile {
    fn describe(&self, thrown: &JsValue, operation: &'static str) -> Error {
        describe(thrown, &self.name, operation)
    }

    /// Asks for the length after a write that may have been done in part.
    fn measure(&self) {
        if let Some(len) = self.handle.get_size().ok().and_then(whole) {
            self.len.set(len);
        }
    }

    fn io(&self, operation: &'static str, what: String) -> Error {
        Error::Io { operation, message: format!("{}: {what}", self.name) }
    }
}

impl Drop for AccessHandleFile {
    fn drop(&mut self) {
        // Nobody is left to hear of an error; what had to be durable was synced before.
        let _ = self.handle.close();
    }
}

/// Waits for a promise that the host may also have failed to make.
async fn settle(call: std::result::Result<Promise, JsValue>) -> std::result::Result<JsValue, JsValue> {
    JsFuture::from(call?).await
}

/// A JavaScript number that is a length or a count.
fn whole(number: f64) -> Option<u64> {
    (number >= 0.0 && number.fract() == 0.0 && number <= 9_007_199_254_740_991.0).then_some(number as u64)
}

/// Converts a thrown value to an error: a `DOMException` by its name, an error of Node.js by its code.
fn describe(thrown: &JsValue, name: &str, operation: &'static str) -> Error {
    let text =
        |property: &str| Reflect::get(thrown, &JsValue::from_str(property)).ok().and_then(|value| value.as_string());
    let message = text("message").or_else(|| thrown.as_string()).unwrap_or_default();
    let kind = text("code").or_else(|| text("name")).unwrap_or_default();
    let name = name.to_owned();
    match kind.as_str() {
        "NoModificationAllowedError" | "EBUSY" | "Locked" => Error::Locked { name },
        "NotFoundError" | "ENOENT" | "ENOTDIR" => Error::NotFound { name },
        "QuotaExceededError" | "ENOSPC" | "EDQUOT" | "EFBIG" => {
            Error::StorageFull { message: format!("{operation} of {name}: {message}") }
        }
        "NotAllowedError" | "SecurityError" | "EACCES" | "EPERM" | "EROFS" => Error::ReadOnly { name },
        _ => Error::Io { operation, message: if message.is_empty() { name } else { format!("{name}: {message}") } },
    }
}
