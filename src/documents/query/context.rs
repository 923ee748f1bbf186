//! One run of a query: what it reads, and what it has counted.

use super::order::Place;
use super::query::Prepared;
use crate::documents::database::Database;
use crate::documents::database::history::Reads;
use crate::documents::database::view::View;
use crate::documents::error::Result;
use crate::documents::keyspace::key::CollectionId;
use crate::documents::stored::content::Source;
use crate::engine::{Entry, KeyRange, KeyReader};
use crate::fs::File;
use std::cell::{Cell, RefCell};

/// A test of a key.
pub(crate) type KeyTest<'a> = Box<dyn Fn(&str) -> bool + 'a>;

/// One run of a query.
pub(crate) struct Context<'a, F: File> {
    pub database: &'a Database<F>,
    pub collection: CollectionId,
    pub view: View,
    /// Reads the documents.
    pub reader: RefCell<KeyReader<'a, F>>,
    pub query: Prepared,
    /// True if a transaction has written a key: what is stored there does not count.
    pub is_written: Option<KeyTest<'a>>,
    /// Where a transaction notes what it reads.
    pub reads: Option<RefCell<&'a mut Reads>>,
    pub counts: Cell<Counts>,
}

/// The counts of the entries and documents that a query has read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Index entries.
    pub entries: u64,
    /// Documents.
    pub documents: u64,
}

impl<F: File> Context<'_, F> {
    pub fn note(&self, range: &KeyRange) {
        if let Some(reads) = &self.reads {
            reads.borrow_mut().add_range(range);
        }
    }

    pub fn count(&self, add: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.get();
        add(&mut counts);
        self.counts.set(counts);
    }

    /// True if the query is about a document with this key.
    pub fn is_wanted(&self, key: &str) -> bool {
        self.query.keys.contains(key) && self.is_written.as_ref().is_none_or(|is_written| !is_written(key))
    }

    /// True if a row was in an earlier page.
    pub fn is_before(&self, place: &Place) -> bool {
        self.query.after.as_ref().is_some_and(|after| place <= after)
    }

    /// Returns the row of a document with this text; `None` if the document is not a row, or was in an earlier page.
    pub fn row(&self, key: &str, text: &str) -> Result<Option<Place>> {
        Ok(self.query.place_of(key, text)?.filter(|place| !self.is_before(place)))
    }

    /// Where the texts of documents are.
    pub fn source(&self) -> Source<'_, F> {
        self.database.source(self.collection, self.view.at)
    }

    /// The stored document at `key`.
    pub fn document(&self, key: &str) -> Result<Option<Entry>> {
        if let Some(reads) = &self.reads {
            reads.borrow_mut().add_key(self.collection.document_key(key));
        }
        self.count(|counts| counts.documents += 1);
        Ok(self.reader.borrow_mut().get(&self.collection.document_key(key))?)
    }
}
