//! The module is delivered in two parts: what most programs use, and the rest, loaded after it (`tools/split-wasm`).

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(raw_module = "./rest.js")]
extern "C" {
    /// Returns once the rest is there. The first part calls it when it needs a function that it does not have.
    #[wasm_bindgen(js_name = loadRest)]
    fn load_rest();
}

/// Has the rest loaded, when it is not there yet. A whole module has nothing to load.
#[wasm_bindgen(js_name = completeEngine)]
pub fn complete_engine() {
    load_rest();
}
