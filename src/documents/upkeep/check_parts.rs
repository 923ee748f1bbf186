//! The check that every document has its parts, and every part its document.

use super::check_report::CheckReport;
use crate::documents::database::Database;
use crate::documents::database::view::View;
use crate::documents::error::{Error, Result, abbreviate};
use crate::documents::keyspace::key::{CollectionId, Prefix};
use crate::documents::keyspace::range::end_of;
use crate::documents::stored::parts::{PartId, parse_part_key};
use crate::engine::KeyRange;
use crate::fs::File;
use std::collections::BTreeMap;
use std::ops::{Bound, Range};

/// The parts that the documents of a collection say that they have: of each id, how many.
#[derive(Debug, Default)]
pub(crate) struct ExpectedParts(BTreeMap<(Prefix, PartId), u64>);

impl ExpectedParts {
    /// A document says that it has these parts.
    pub fn add(&mut self, key: &str, (space, id, positions): (Prefix, PartId, Range<u64>)) -> Result<()> {
        match self.0.insert((space, id), positions.end - positions.start) {
            None => Ok(()),
            Some(_) => Err(Error::Corrupt {
                what: "a document".to_owned(),
                at: format!("key {}: another one has the same parts", abbreviate(key)),
            }),
        }
    }
}

impl<F: File> Database<F> {
    /// Compares the parts of a collection with what its documents say. That each document's parts have the right positions
    /// and lengths is seen when the document is read.
    pub(crate) fn check_parts(
        &self,
        collection: CollectionId,
        view: View,
        mut expected: ExpectedParts,
        report: &mut CheckReport,
    ) -> Result<()> {
        for space in [collection.parts(), collection.elements()] {
            let range = KeyRange { start: Bound::Included(space.to_vec()), end: end_of(space.to_vec()) };
            let is_upload = |id| space == collection.parts() && self.catalog.has_upload(collection, id);
            let mut cursor = self.engine.scan(range, false, view.at, view.now_ms)?;
            let mut current: Option<(PartId, u64)> = None;
            while let Some((key, _)) = cursor.next()? {
                report.parts += 1;
                let Some((id, _)) = parse_part_key(&key) else {
                    report.problems.push(format!("a part of a document has the key {key:02x?}, which is none"));
                    continue;
                };
                match &mut current {
                    Some((known, count)) if *known == id => *count += 1,
                    _ => {
                        let done = current.replace((id, 1));
                        done.into_iter()
                            .for_each(|(id, count)| expected.compare((space, id), count, is_upload(id), report));
                    }
                }
            }
            current.into_iter().for_each(|(id, count)| expected.compare((space, id), count, is_upload(id), report));
        }
        for (_, id) in expected.0.keys() {
            report.problems.push(format!("a document has parts {:02x?}, of which none is there", id.as_bytes()));
        }
        Ok(())
    }
}

impl ExpectedParts {
    fn compare(&mut self, id: (Prefix, PartId), found: u64, is_upload: bool, report: &mut CheckReport) {
        let bytes = id.1.as_bytes();
        match self.0.remove(&id) {
            Some(count) if count == found => {}
            Some(count) => report.problems.push(format!("of the parts {bytes:02x?} there are {found}, not {count}")),
            // Somebody is writing them, or was.
            None if is_upload => report.unfinished_parts += found,
            None => report.problems.push(format!("{found} parts {bytes:02x?} belong to no document")),
        }
    }
}
