//! The verbs of lists. What they do at the ends costs the same however long a list is.
//!
//! Any document that is an array is a list. The first verb that changes one which is stored as text takes its elements
//! apart, in the same commit.

use super::write::{NewDocument, NewValue, check_size};
use crate::documents::database::Database;
use crate::documents::database::collection::Collection;
use crate::documents::database::latencies::Metric;
use crate::documents::database::view::View;
use crate::documents::error::{Error, Result};
use crate::documents::json::scanner::Scanner;
use crate::documents::json::serialize;
use crate::documents::json::text::{self, damaged};
use crate::documents::keyspace::key::{CollectionId, check_key};
use crate::documents::stored::content::Content;
use crate::documents::stored::content::is_live;
use crate::documents::stored::list::{End, List, within};
use crate::documents::stored::parts::part_key;
use crate::engine::{Batch, Entry};
use crate::fs::File;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::{Deref, DerefMut, Range};

/// The state that an operation on a list finds.
struct Old {
    /// The entry at the key, expired or not.
    entry: Option<Entry>,
    /// What it is to this verb: nothing, when it has expired.
    found: Found,
    /// When the list expires.
    expires_at: Option<u64>,
}

/// The document at the key of a list.
enum Found {
    Nothing,
    List(List),
    /// The elements of an array that is stored as text.
    Array(Vec<String>),
}

impl Found {
    fn count(&self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::List(list) => list.count,
            Self::Array(elements) => elements.len() as u64,
        }
    }
}

impl<F: File, D: Deref<Target = Database<F>>> Collection<D> {
    /// How many elements the list at `key` has; 0 where there is none. Any document that is an array is a list.
    ///
    /// # Errors
    /// `InvalidValue` when the document is no array; as [`Collection::get`].
    pub fn list_length(&self, key: &str) -> Result<u64> {
        self.measured(Metric::Length, || {
            check_key(key)?;
            let view = self.view();
            let entry = self.database.entry(self.id, key, view)?;
            Ok(self.list_in(key, entry.as_ref(), view)?.count())
        })
    }

    /// The elements of the list at `key` from `start` to `stop`, both included. Negative indexes count from the end, -1
    /// is the last element. What lies outside is left out.
    ///
    /// # Errors
    /// `InvalidValue` when the document is no array, or an element does not fit `T`; as [`Collection::get`].
    pub fn list_range<T: DeserializeOwned>(&self, key: &str, start: i64, stop: i64) -> Result<Vec<T>> {
        self.list_range_json(key, start, stop)?.iter().map(|element| text::parse(key, element)).collect()
    }

    /// The JSON texts of elements, as [`Collection::list_range`].
    ///
    /// # Errors
    /// As [`Collection::list_range`].
    pub fn list_range_json(&self, key: &str, start: i64, stop: i64) -> Result<Vec<String>> {
        self.measured(Metric::Range, || self.elements_between(key, start, stop))
    }

    fn elements_between(&self, key: &str, start: i64, stop: i64) -> Result<Vec<String>> {
        check_key(key)?;
        let view = self.view();
        let entry = self.database.entry(self.id, key, view)?;
        match self.list_in(key, entry.as_ref(), view)? {
            Found::Nothing => Ok(Vec::new()),
            Found::List(list) => self.elements(key, &list, list.positions_of(start, stop), view),
            Found::Array(elements) => {
                let indexes = within(elements.len() as u64, start, stop);
                Ok(cut(elements, &indexes))
            }
        }
    }

    /// The element at `index` of the list at `key`; negative indexes count from the end.
    ///
    /// # Errors
    /// As [`Collection::list_range`].
    pub fn list_get<T: DeserializeOwned>(&self, key: &str, index: i64) -> Result<Option<T>> {
        self.list_get_json(key, index)?.map(|element| text::parse(key, &element)).transpose()
    }

    /// The JSON text of an element, as [`Collection::list_get`].
    ///
    /// # Errors
    /// As [`Collection::list_range`].
    pub fn list_get_json(&self, key: &str, index: i64) -> Result<Option<String>> {
        Ok(self.list_range_json(key, index, index)?.pop())
    }

    fn elements(&self, key: &str, list: &List, positions: Range<u64>, view: View) -> Result<Vec<String>> {
        let mut elements = Vec::new();
        let each = |_, element: &str| elements.push(element.to_owned());
        list.read(&self.database.engine, view.at, self.id, positions, key, each)?;
        Ok(elements)
    }

    /// The list in an entry that was read by `view`.
    fn list_in(&self, key: &str, entry: Option<&Entry>, view: View) -> Result<Found> {
        let Some(entry) = entry else { return Ok(Found::Nothing) };
        if let Content::List(list) = Content::of(key, &entry.value)? {
            return Ok(Found::List(list));
        }
        let text = self.database.source(self.id, view.at).text(key, entry)?;
        let mut scanner = Scanner::new(&text);
        if scanner.take(b'[').is_none() {
            return Err(Error::unsuitable_document(key, "it is no array, and so no list"));
        }
        let mut elements = Vec::new();
        while scanner.element().ok_or_else(|| damaged(key, "its text is not JSON"))? {
            let element = scanner.value().ok_or_else(|| damaged(key, "its text is not JSON"))?;
            elements.push(element.to_owned());
        }
        Ok(Found::Array(elements))
    }
}

impl<F: File, D: DerefMut<Target = Database<F>>> Collection<D> {
    /// Adds elements at an end of the list at `key`, one after the other, and returns its length. A list is a document
    /// that is an array; where there is none it begins. At both ends this costs the same however long the list is, but for
    /// the first time with an array that was stored by other verbs. A time to live stays.
    ///
    /// ```
    /// # use ferrolite::{Database, End, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// assert_eq!(db.push("jobs", End::Right, ["a", "b", "c"])?, 3);
    /// assert_eq!(db.pop("jobs", End::Left)?, Some("a".to_owned()));
    /// assert_eq!(db.list_range::<String>("jobs", 0, -1)?, ["b", "c"]);
    /// assert_eq!(db.get_json("jobs")?.unwrap(), r#"["b","c"]"#);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidValue` when the document is no array; `TooLarge` when its text would be longer than a document may be; as
    /// [`Collection::set`].
    pub fn push<T: Serialize>(&mut self, key: &str, end: End, elements: impl IntoIterator<Item = T>) -> Result<u64> {
        let to_json = |element: T| serialize::to_json(key, &element);
        let elements: Vec<String> = elements.into_iter().map(to_json).collect::<Result<_>>()?;
        self.push_checked(key, end, elements)
    }

    /// Adds elements that are JSON text, as [`Collection::push`].
    ///
    /// # Errors
    /// As [`Collection::push`].
    pub fn push_json<J: AsRef<str>>(
        &mut self,
        key: &str,
        end: End,
        elements: impl IntoIterator<Item = J>,
    ) -> Result<u64> {
        let check = |element: J| text::check_document(key, element.as_ref()).map(|()| element);
        let elements: Vec<J> = elements.into_iter().map(check).collect::<Result<_>>()?;
        self.push_checked(key, end, elements)
    }

    fn push_checked<J: AsRef<str>>(&mut self, key: &str, end: End, elements: Vec<J>) -> Result<u64> {
        self.measured_mut(Metric::Push, |documents| documents.push_all(key, end, elements))
    }

    fn push_all<J: AsRef<str>>(&mut self, key: &str, end: End, elements: Vec<J>) -> Result<u64> {
        let old = self.list_to_change(key)?;
        if elements.is_empty() {
            return Ok(old.found.count());
        }
        let mut batch = Batch::new();
        let collection = self.created_by(&mut batch)?;
        let mut list = match &old.found {
            Found::List(list) => *list,
            Found::Nothing => List::new(self.database.next_part_id(&batch)),
            Found::Array(elements) => self.take_apart(&mut batch, elements, old.expires_at)?,
        };
        for element in elements {
            list.push(&mut batch, collection.elements(), end, element.as_ref().trim(), old.expires_at)?;
        }
        self.store_list(batch, key, &old, list, collection)?;
        Ok(list.count)
    }

    /// Takes the element at an end of the list at `key`; `None` where there is none. A list that becomes empty is deleted.
    ///
    /// # Errors
    /// As [`Collection::push`]. An element that does not fit `T` stays.
    pub fn pop<T: DeserializeOwned>(&mut self, key: &str, end: End) -> Result<Option<T>> {
        self.measured_mut(Metric::Pop, |documents| {
            let (old, Some(popped)) = documents.at_end(key, end)? else { return Ok(None) };
            // An element that does not fit the type stays.
            let element = text::parse(key, &popped)?;
            documents.remove_at_end(key, end, &old)?;
            Ok(Some(element))
        })
    }

    /// Takes the JSON text of the element at an end, as [`Collection::pop`].
    ///
    /// # Errors
    /// As [`Collection::push`].
    pub fn pop_json(&mut self, key: &str, end: End) -> Result<Option<String>> {
        self.measured_mut(Metric::Pop, |documents| {
            let (old, popped) = documents.at_end(key, end)?;
            if popped.is_some() {
                documents.remove_at_end(key, end, &old)?;
            }
            Ok(popped)
        })
    }

    fn at_end(&self, key: &str, end: End) -> Result<(Old, Option<String>)> {
        let old = self.list_to_change(key)?;
        let element = match (&old.found, end) {
            (Found::Nothing, _) => None,
            (Found::Array(elements), End::Left) => elements.first().cloned(),
            (Found::Array(elements), End::Right) => elements.last().cloned(),
            (Found::List(list), _) => {
                let index = if end == End::Left { 0 } else { -1 };
                self.elements(key, list, list.positions_of(index, index), self.database.view())?.pop()
            }
        };
        Ok((old, element))
    }

    /// REQUIRES: there is an element.
    fn remove_at_end(&mut self, key: &str, end: End, old: &Old) -> Result<()> {
        let count = old.found.count();
        match end {
            End::Left => self.keep(key, old, 1..count),
            End::Right => self.keep(key, old, 0..count - 1),
        }
    }

    /// Removes what is not between `start` and `stop`, both included, from the list at `key`, and returns how many
    /// elements are left; without any the list is deleted. Negative indexes count from the end. Costs what is removed.
    ///
    /// # Errors
    /// As [`Collection::push`].
    pub fn trim(&mut self, key: &str, start: i64, stop: i64) -> Result<u64> {
        self.measured_mut(Metric::Trim, |documents| {
            let old = documents.list_to_change(key)?;
            let kept = within(old.found.count(), start, stop);
            let left = kept.end - kept.start;
            if left < old.found.count() {
                documents.keep(key, &old, kept)?;
            }
            Ok(left)
        })
    }

    /// Writes over the element at `index` of the list at `key`; negative indexes count from the end. False when there is
    /// no such element.
    ///
    /// # Errors
    /// As [`Collection::push`].
    pub fn list_set<T: Serialize + ?Sized>(&mut self, key: &str, index: i64, element: &T) -> Result<bool> {
        let json = serialize::to_json(key, element)?;
        self.set_checked(key, index, &json)
    }

    /// Writes over an element with JSON text, as [`Collection::list_set`].
    ///
    /// # Errors
    /// As [`Collection::push`].
    pub fn list_set_json(&mut self, key: &str, index: i64, json: &str) -> Result<bool> {
        text::check_document(key, json)?;
        self.set_checked(key, index, json.trim())
    }

    fn set_checked(&mut self, key: &str, index: i64, json: &str) -> Result<bool> {
        self.measured_mut(Metric::SetElement, |documents| documents.replace_element(key, index, json))
    }

    fn replace_element(&mut self, key: &str, index: i64, json: &str) -> Result<bool> {
        let mut old = self.list_to_change(key)?;
        let place = within(old.found.count(), index, index);
        if place.is_empty() {
            return Ok(false);
        }
        let mut batch = Batch::new();
        let list = match &mut old.found {
            Found::Nothing => return Ok(false),
            Found::List(list) => {
                let position = list.first + place.start;
                let mut list = *list;
                list.bytes = list.bytes - self.length_of(key, &list, position..position + 1)? + json.len() as u64;
                list.check_length()?;
                batch.put(part_key(self.id.elements(), list.id, position), json.as_bytes().to_vec(), old.expires_at);
                list
            }
            Found::Array(elements) => {
                elements.iter_mut().skip(index_of(place.start)).take(1).for_each(|element| json.clone_into(element));
                self.take_apart(&mut batch, elements, old.expires_at)?
            }
        };
        self.store_list(batch, key, &old, list, self.id)?;
        Ok(true)
    }

    /// Keeps the elements at these indexes, of which there are less than all.
    fn keep(&mut self, key: &str, old: &Old, kept: Range<u64>) -> Result<()> {
        let mut batch = Batch::new();
        if kept.is_empty() {
            self.database.stage_over(&mut batch, self.id, key, old.entry.as_ref(), None)?;
            self.database.apply(batch)?;
            return Ok(());
        }
        let list = match &old.found {
            Found::Nothing => return Ok(()),
            Found::List(list) => {
                let mut left = List { first: list.first + kept.start, count: kept.end - kept.start, ..*list };
                for gone in [list.first..left.first, left.positions().end..list.positions().end] {
                    left.bytes -= self.length_of(key, &left, gone.clone())?;
                    list.delete(&mut batch, self.id.elements(), gone);
                }
                left
            }
            Found::Array(elements) => self.take_apart(&mut batch, &cut(elements.clone(), &kept), old.expires_at)?,
        };
        self.store_list(batch, key, old, list, self.id)
    }

    fn list_to_change(&self, key: &str) -> Result<Old> {
        check_key(key)?;
        self.database.writable()?;
        let view = self.view();
        let entry = self.database.stored(self.id, key)?;
        let live = entry.as_ref().filter(|old| is_live(old, view.now_ms));
        let (found, expires_at) = (self.list_in(key, live, view)?, live.and_then(|old| old.expires_at));
        Ok(Old { entry, found, expires_at })
    }

    /// Bytes of the elements at some positions.
    fn length_of(&self, key: &str, list: &List, positions: Range<u64>) -> Result<u64> {
        let (engine, at, mut length) = (&self.database.engine, self.database.engine.last_seq(), 0);
        list.read(engine, at, self.id, positions, key, |_, element| length += element.len() as u64)?;
        if length > list.bytes {
            return Err(damaged(key, "its elements are longer than it tells"));
        }
        Ok(length)
    }

    /// Adds to `batch` the elements of a new list.
    fn take_apart(&self, batch: &mut Batch, elements: &[String], expires_at: Option<u64>) -> Result<List> {
        let mut list = List::new(self.database.next_part_id(batch));
        for element in elements {
            list.push(batch, self.id.elements(), End::Right, element, expires_at)?;
        }
        Ok(list)
    }

    /// Commits `batch` with what makes `list` the document at `key`.
    fn store_list(
        &mut self,
        mut batch: Batch,
        key: &str,
        old: &Old,
        list: List,
        collection: CollectionId,
    ) -> Result<()> {
        if matches!(old.found, Found::List(_)) {
            // Its elements stay; and no array has index entries.
            batch.put(collection.document_key(key), Content::List(list).encode(), old.expires_at);
        } else {
            let new = NewDocument { value: NewValue::List(list), expires_at: old.expires_at };
            self.database.stage_over(&mut batch, collection, key, old.entry.as_ref(), Some(new))?;
        }
        check_size(&batch)?;
        self.apply_to(collection, batch)?;
        Ok(())
    }
}

/// The elements at some indexes.
fn cut(elements: Vec<String>, indexes: &Range<u64>) -> Vec<String> {
    let count = index_of(indexes.end - indexes.start);
    elements.into_iter().skip(index_of(indexes.start)).take(count).collect()
}

fn index_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
