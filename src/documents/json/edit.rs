//! Changing parts of JSON text. What is not changed keeps its text to the letter: numbers of any length, the order of
//! fields, white space.
//!
//! A value is text until something inside it is wanted; then one level of it is opened. A level is opened once, and a change
//! costs the logarithm of the number of fields, or a chunk of an array, so that the cost of many changes is about linear.

use super::path::NotJson;
use super::scanner::{Scanner, unescape};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// A JSON value that is being changed.
#[derive(Debug, Clone)]
pub(crate) enum Node<'a> {
    /// A whole value.
    Text(Text<'a>),
    /// An object that was opened.
    Object(Fields<'a>),
    /// An array that was opened.
    Array(Elements<'a>),
}

/// The text of a value, without white space around it.
#[derive(Debug, Clone)]
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    /// A part of a text that copies share.
    Shared(Rc<str>, Range<usize>),
}

/// The name of a field.
#[derive(Debug, Clone)]
pub(crate) struct Name<'a> {
    /// Between its quotes, escapes as they are.
    raw: Cow<'a, str>,
    /// The name without escapes.
    bytes: Cow<'a, [u8]>,
}

/// The fields of an object, each name once, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields<'a> {
    /// A field that was removed leaves its place empty.
    fields: Vec<Option<(Name<'a>, Node<'a>)>>,
    places: BTreeMap<Cow<'a, [u8]>, usize>,
    /// Levels that are opened in it and around, at least.
    height: usize,
}

/// The elements of an array, in chunks, so that inserting one moves few others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Elements<'a> {
    chunks: Vec<Vec<Node<'a>>>,
    count: usize,
    height: usize,
}

/// Elements of a chunk when there are enough; a chunk of twice as many is split.
const CHUNK: usize = 512;

impl<'a> Text<'a> {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text, range) => text.get(range.clone()).unwrap_or_default(),
        }
    }

    fn part(&self, part: Range<usize>) -> Option<Self> {
        match self {
            Self::Borrowed(text) => text.get(part).map(Self::Borrowed),
            Self::Shared(text, range) => {
                Some(Self::Shared(Rc::clone(text), range.start + part.start..range.start + part.end))
            }
        }
    }

    /// The name between these places.
    fn name(&self, raw: Range<usize>) -> Option<Name<'a>> {
        Some(match self {
            Self::Borrowed(text) => {
                let raw = text.get(raw)?;
                Name { raw: raw.into(), bytes: unescape(raw)? }
            }
            Self::Shared(..) => {
                let raw = self.as_str().get(raw)?;
                Name { raw: raw.to_owned().into(), bytes: unescape(raw)?.into_owned().into() }
            }
        })
    }

    /// One level of an object or array; `None` for other values.
    fn open(&self) -> Option<Option<Node<'a>>> {
        let mut scanner = Scanner::new(self.as_str());
        let value = |scanner: &mut Scanner<'_>| {
            scanner.peek()?;
            let start = scanner.position();
            scanner.value()?;
            self.part(start..scanner.position()).map(Node::Text)
        };
        match scanner.peek()? {
            b'{' => {
                scanner.take(b'{')?;
                let mut fields = Fields { height: 1, ..Fields::default() };
                while let Some(raw) = scanner.member()? {
                    // It is a part of the text.
                    let start = raw.as_ptr() as usize - self.as_str().as_ptr() as usize;
                    let name = self.name(start..start + raw.len())?;
                    let value = value(&mut scanner)?;
                    fields.set(name, value);
                }
                Some(Some(Node::Object(fields)))
            }
            b'[' => {
                scanner.take(b'[')?;
                let mut elements = Elements { height: 1, ..Elements::default() };
                while scanner.element()? {
                    elements.push(value(&mut scanner)?);
                }
                Some(Some(Node::Array(elements)))
            }
            _ => Some(None),
        }
    }
}

impl<'a> Node<'a> {
    /// The value that `text` is. It was checked to be JSON.
    pub fn new(text: &'a str) -> Self {
        Self::Text(Text::Borrowed(text.trim_matches(is_blank)))
    }

    /// Opens an object or array; other values stay text.
    pub fn open(&mut self) -> Result<&mut Self, NotJson> {
        if let Self::Text(text) = self
            && let Some(opened) = text.open().ok_or(NotJson)?
        {
            *self = opened;
        }
        Ok(self)
    }

    /// Returns the first byte of its text, which shows whether it is an object or an array.
    pub fn first_byte(&self) -> Option<u8> {
        match self {
            Self::Text(text) => text.as_str().bytes().next(),
            Self::Object(_) => Some(b'{'),
            Self::Array(_) => Some(b'['),
        }
    }

    /// Makes it an object without fields, unless it is an object.
    pub fn open_object(&mut self) -> Result<&mut Fields<'a>, NotJson> {
        match self.first_byte() {
            Some(b'{') => drop(self.open()?),
            _ => *self = Self::Object(Fields { height: 1, ..Fields::default() }),
        }
        match self {
            Self::Object(fields) => Ok(fields),
            _ => Err(NotJson),
        }
    }

    /// Levels that are opened, at most.
    pub fn height(&self) -> usize {
        match self {
            Self::Text(_) => 0,
            Self::Object(fields) => fields.height,
            Self::Array(elements) => elements.height,
        }
    }

    /// Allows `height` levels to be opened in it.
    pub fn raise(&mut self, height: usize) {
        match self {
            Self::Text(_) => {}
            Self::Object(fields) => fields.height = fields.height.max(height),
            Self::Array(elements) => elements.height = elements.height.max(height),
        }
    }

    /// A copy that shares its text.
    pub fn copied(&self) -> Text<'a> {
        match self {
            Self::Text(text) => text.clone(),
            opened => {
                let text: Rc<str> = opened.to_text().into();
                let range = 0..text.len();
                Text::Shared(text, range)
            }
        }
    }

    /// The text of the whole value.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Recurses as deep as values were opened.
    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text.as_str()),
            Self::Object(fields) => {
                out.push('{');
                for (index, (name, value)) in fields.fields.iter().flatten().enumerate() {
                    out.push_str(if index > 0 { ",\"" } else { "\"" });
                    out.push_str(&name.raw);
                    out.push_str("\":");
                    value.write(out);
                }
                out.push('}');
            }
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.chunks.iter().flatten().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    element.write(out);
                }
                out.push(']');
            }
        }
    }
}

fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r')
}

impl<'a> Fields<'a> {
    /// The field of this name.
    pub fn get_mut(&mut self, name: &[u8]) -> Option<&mut Node<'a>> {
        let (_, value) = self.fields.get_mut(*self.places.get(name)?)?.as_mut()?;
        Some(value)
    }

    /// Puts a field where one of its name is, or behind the others.
    pub fn set(&mut self, name: Name<'a>, value: Node<'a>) {
        match self.get_mut(&name.bytes) {
            Some(old) => *old = value,
            None => {
                self.places.insert(name.bytes.clone(), self.fields.len());
                self.fields.push(Some((name, value)));
            }
        }
    }

    /// Takes out the field of this name.
    pub fn remove(&mut self, name: &[u8]) -> Option<Node<'a>> {
        let place = self.places.remove(name)?;
        let (_, value) = self.fields.get_mut(place)?.take()?;
        Some(value)
    }

    pub fn count(&self) -> usize {
        self.places.len()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Name<'a>, &mut Node<'a>)> {
        self.fields.iter_mut().flatten().map(|(name, value)| (&*name, value))
    }
}

impl<'a> Elements<'a> {
    pub fn count(&self) -> usize {
        self.count
    }

    /// The chunk with the element at an index, and the index in it. The end is in the last chunk.
    fn place(&self, index: usize) -> Option<(usize, usize)> {
        let mut left = index;
        for (chunk, elements) in self.chunks.iter().enumerate() {
            if left < elements.len() || left == elements.len() && chunk + 1 == self.chunks.len() {
                return Some((chunk, left));
            }
            left -= elements.len();
        }
        None
    }

    pub fn get_mut(&mut self, index: usize) -> Option<&mut Node<'a>> {
        let (chunk, at) = self.place(index)?;
        self.chunks.get_mut(chunk)?.get_mut(at)
    }

    pub fn push(&mut self, element: Node<'a>) {
        match self.chunks.last_mut().filter(|last| last.len() < CHUNK) {
            Some(last) => last.push(element),
            None => self.chunks.push(vec![element]),
        }
        self.count += 1;
    }

    /// Puts an element before the one at an index, or behind the last one. REQUIRES: the index is the count at most.
    pub fn insert(&mut self, index: usize, element: Node<'a>) {
        let Some((at, within)) = self.place(index).filter(|_| index < self.count) else { return self.push(element) };
        let chunk = &mut self.chunks[at];
        chunk.insert(within, element);
        if chunk.len() >= 2 * CHUNK {
            let behind = chunk.split_off(CHUNK);
            self.chunks.insert(at + 1, behind);
        }
        self.count += 1;
    }

    pub fn remove(&mut self, index: usize) -> Option<Node<'a>> {
        let (at, within) = self.place(index).filter(|_| index < self.count)?;
        let chunk = &mut self.chunks[at];
        let removed = chunk.remove(within);
        if chunk.is_empty() {
            self.chunks.remove(at);
        }
        self.count -= 1;
        Some(removed)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Node<'a>> {
        self.chunks.iter_mut().flatten()
    }
}

impl<'a> Name<'a> {
    /// The name that is this string.
    pub fn new(text: &str) -> Name<'static> {
        let quoted = serde_json::Value::from(text).to_string();
        let raw = quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
        Name { raw: raw.into(), bytes: text.as_bytes().to_vec().into() }
    }

    /// The text that it stands for: UTF-8, for surrogates too.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_touched_keeps_its_text() {
        let text = r#" {"a" : 1.00, "b":[ 1e400 , {"x":"\u0041"}],"a":12345678901234567890123 } "#;
        let mut node = Node::new(text);
        assert_eq!(node.to_text(), text.trim());
        let fields = node.open_object().unwrap();
        let Node::Array(elements) = fields.get_mut(b"b").unwrap().open().unwrap() else { panic!("an array") };
        elements.push(Node::new(" 2 "));
        fields.set(Name::new("c\"ü\n"), Node::new("null"));
        let expected = r#"{"a":12345678901234567890123,"b":[1e400,{"x":"\u0041"},2],"c\"ü\n":null}"#;
        assert_eq!(node.to_text(), expected);
    }

    #[test]
    fn names_are_what_they_stand_for() {
        let mut node = Node::new(r#"{"\u0061": 1, "b": 2, "\ud800": 3}"#);
        let fields = node.open_object().unwrap();
        assert!(fields.remove(b"a").is_some() && fields.remove(b"a").is_none());
        assert_eq!(fields.iter_mut().map(|(name, _)| name.bytes()).collect::<Vec<_>>(), [&b"b"[..], b"\xed\xa0\x80"]);
        assert_eq!(node.to_text(), r#"{"b":2,"\ud800":3}"#);
    }

    #[test]
    fn what_is_no_object_becomes_one_where_one_is_wanted() {
        for text in ["1", "[1]", "\"x\"", "null"] {
            let mut node = Node::new(text);
            node.open_object().unwrap();
            assert_eq!(node.to_text(), "{}");
        }
        assert!(Node::new("{").open().is_err());
    }

    #[test]
    fn a_copy_is_opened_as_its_original_is() {
        let mut node = Node::new(r#"{"a" : [1.0, {"\u0062": 2}], "c": 3}"#);
        node.open().unwrap();
        let mut copy = Node::Text(node.copied());
        let Node::Object(fields) = copy.open().unwrap() else { panic!("an object") };
        let Node::Array(elements) = fields.get_mut(b"a").unwrap().open().unwrap() else { panic!("an array") };
        let Node::Object(inner) = elements.get_mut(1).unwrap().open().unwrap() else { panic!("an object") };
        inner.set(Name::new("b"), Node::new("5"));
        assert_eq!(copy.to_text(), r#"{"a":[1.0,{"\u0062":5}],"c":3}"#);
        assert_eq!(node.to_text(), r#"{"a":[1.0, {"\u0062": 2}],"c":3}"#);
    }

    #[test]
    fn a_long_array_is_a_list_of_its_elements() {
        let mut random = 7u32;
        let numbers: Vec<String> = (0..5000).map(|number| number.to_string()).collect();
        let (mut elements, mut expected) = (Elements::default(), Vec::new());
        for number in &numbers {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = random as usize % (expected.len() + 1);
            if random.is_multiple_of(5) && at < expected.len() {
                assert_eq!(elements.remove(at).unwrap().to_text(), expected.remove(at));
            } else {
                elements.insert(at, Node::new(number));
                expected.insert(at, number.clone());
            }
            assert_eq!(elements.count(), expected.len());
        }
        assert!(elements.remove(expected.len()).is_none() && elements.get_mut(expected.len()).is_none());
        assert_eq!(elements.get_mut(700).unwrap().to_text(), expected[700]);
        assert_eq!(elements.iter_mut().map(|node| node.to_text()).collect::<Vec<_>>(), expected);
    }
}
