//! What a fuzzer calls of the engine.

mod reseal;

pub use crate::engine::log::fuzzing::log;
pub use crate::engine::table::fuzzing::{block, filter, table_meta};
pub use reseal::{Sealed, reseal, sealed};

use crate::engine::batch::Batch;
use crate::engine::levels::Levels;
use crate::engine::manifest::{self, decode, encode_change, encode_edit};
use crate::page::ManifestHead;

/// A page of the manifest.
pub fn manifest(data: &[u8]) {
    let Some((edit, previous)) = decode(data) else { return };
    let again = encode(&edit, previous);
    assert!(again.len() <= data.len() && (again.len() < data.len() || again == data));
    let (edit, previous) = decode(&again).expect("what is written is read");
    assert_eq!(encode(&edit, previous), again);
    let count = edit.added.len();
    if let Some(levels) = Levels::new(&edit.added) {
        assert_eq!(levels.placements().count(), count);
        for (_, tree) in levels.trees() {
            tree.debt();
        }
    }
}

fn encode(edit: &super::levels::Edit, previous: manifest::Previous) -> Vec<u8> {
    match previous {
        Some((address, len, tag)) => encode_change(edit, &ManifestHead { address, len, number: 0, tag }),
        None => {
            let mut out = vec![0];
            encode_edit(&mut out, &edit.removed, edit.added.iter().cloned());
            out
        }
    }
}

/// A commit as it stands in the log.
pub fn batch(data: &[u8]) {
    let Some(batch) = Batch::decode(data) else { return };
    let mut again = Vec::new();
    batch.encode(&mut again);
    assert!(again.len() <= data.len() && (again.len() < data.len() || again == data));
    let decoded = Batch::decode(&again).expect("what is written is read");
    assert_eq!(decoded.into_operations(), batch.into_operations());
}
