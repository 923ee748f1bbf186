//! An import as JavaScript drives it: it hands over one chunk after the other.

use super::connection::{Connection, parse_options, thrown};
use super::encryption::wipe_stack;
use super::files::{AnyFile, Files};
use crate::documents::{Import, Options};
use crate::fs::Host;
use wasm_bindgen::prelude::*;

/// An import under way. Errors are thrown as those of `Connection`; behind one, and to break it off, it is to be given up.
#[wasm_bindgen]
pub struct Importing {
    files: Files,
    import: Import<AnyFile>,
    options: Options,
}

#[wasm_bindgen]
impl Importing {
    /// Creates `name` on `host`; without a host, in memory. The database will be opened with the options.
    pub async fn begin(
        host: Option<Host>,
        name: String,
        options: JsValue,
        terms: JsValue,
        secret: Option<Vec<u8>>,
    ) -> Result<Importing, JsValue> {
        let options = parse_options(options, terms, secret).map_err(|error| thrown(&error))?;
        let (files, name) = Files::of(host, &name);
        let import = Import::begin(&files, name).await;
        wipe_stack();
        Ok(Self { import: import.map_err(|error| thrown(&error))?, files, options })
    }

    /// Takes the bytes that come next.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), JsValue> {
        self.import.write(bytes).map_err(|error| thrown(&error))
    }

    /// Makes a database of what has come, and opens it. When that fails nothing is left of it.
    pub async fn finish(self) -> Result<Connection, JsValue> {
        let Self { files, import, options } = self;
        let database = import.finish(&files, options).await;
        wipe_stack();
        Ok(Connection::of(database.map_err(|error| thrown(&error))?))
    }

    /// Removes what was written.
    #[wasm_bindgen(js_name = giveUp)]
    pub async fn give_up(self) {
        let Self { files, import, .. } = self;
        import.give_up(&files).await;
    }
}
