//! Changing parts of JSON text. What is not changed keeps its text to the letter: numbers of any length, the order of
//! fields, white space.

use super::json_scan::{Scanner, unescape};
use super::path::NotJson;
use std::borrow::Cow;

/// A JSON value that is being changed: as text, until something inside it is wanted.
#[derive(Debug, Clone)]
pub(super) enum Node<'a> {
    /// A whole value.
    Text(Cow<'a, str>),
    /// An object that was opened. Each name once.
    Object(Vec<(Name<'a>, Node<'a>)>),
    /// An array that was opened.
    Array(Vec<Node<'a>>),
}

/// The name of a field.
#[derive(Debug, Clone)]
pub(super) struct Name<'a> {
    /// Between its quotes, escapes as they are.
    raw: Cow<'a, str>,
    /// What it stands for.
    bytes: Cow<'a, [u8]>,
}

impl<'a> Name<'a> {
    fn parse(raw: &'a str) -> Result<Self, NotJson> {
        Ok(Self { raw: raw.into(), bytes: unescape(raw).ok_or(NotJson)? })
    }

    /// The name that is this string.
    pub fn new(text: &str) -> Name<'static> {
        let quoted = serde_json::Value::from(text).to_string();
        let raw = quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
        Name { raw: raw.into(), bytes: text.as_bytes().to_vec().into() }
    }
}

impl<'a> Node<'a> {
    /// The value that `text` is. It was checked to be JSON.
    pub fn new(text: &'a str) -> Self {
        Self::Text(text.into())
    }

    /// Opens an object or array; other values stay text.
    pub fn open(&mut self) -> Result<&mut Self, NotJson> {
        let opened = match self {
            Self::Text(Cow::Borrowed(text)) => parse(text)?,
            Self::Text(Cow::Owned(text)) => parse(text)?.map(Node::into_owned),
            _ => None,
        };
        if let Some(opened) = opened {
            *self = opened;
        }
        Ok(self)
    }

    /// Makes it an object without fields, unless it is an object.
    pub fn open_object(&mut self) -> Result<&mut Vec<(Name<'a>, Node<'a>)>, NotJson> {
        if !matches!(self.open()?, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        match self {
            Self::Object(fields) => Ok(fields),
            _ => Err(NotJson),
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
            Self::Text(text) => out.push_str(text.trim_matches(is_blank)),
            Self::Object(fields) => {
                out.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if index > 0 { ",\"" } else { "\"" });
                    out.push_str(&name.raw);
                    out.push_str("\":");
                    value.write(out);
                }
                out.push('}');
            }
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    element.write(out);
                }
                out.push(']');
            }
        }
    }

    fn into_owned(self) -> Node<'static> {
        match self {
            Self::Text(text) => Node::Text(text.into_owned().into()),
            Self::Object(fields) => {
                let own =
                    |name: Name<'a>| Name { raw: name.raw.into_owned().into(), bytes: name.bytes.into_owned().into() };
                Node::Object(fields.into_iter().map(|(name, value)| (own(name), value.into_owned())).collect())
            }
            Self::Array(elements) => Node::Array(elements.into_iter().map(Node::into_owned).collect()),
        }
    }
}

fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r')
}

/// One level of an object or array; `None` for other values.
fn parse(text: &str) -> Result<Option<Node<'_>>, NotJson> {
    let mut scanner = Scanner::new(text);
    match scanner.peek().ok_or(NotJson)? {
        b'{' => {
            scanner.take(b'{').ok_or(NotJson)?;
            let mut fields: Vec<(Name<'_>, Node<'_>)> = Vec::new();
            while let Some(raw) = scanner.member().ok_or(NotJson)? {
                let value = Node::new(scanner.value().ok_or(NotJson)?);
                set_field(&mut fields, Name::parse(raw)?, value);
            }
            Ok(Some(Node::Object(fields)))
        }
        b'[' => {
            scanner.take(b'[').ok_or(NotJson)?;
            let mut elements = Vec::new();
            while scanner.element().ok_or(NotJson)? {
                elements.push(Node::new(scanner.value().ok_or(NotJson)?));
            }
            Ok(Some(Node::Array(elements)))
        }
        _ => Ok(None),
    }
}

/// The field of this name.
pub(super) fn field<'n, 'a>(fields: &'n mut [(Name<'a>, Node<'a>)], name: &str) -> Option<&'n mut Node<'a>> {
    fields.iter_mut().find(|(found, _)| *found.bytes == *name.as_bytes()).map(|(_, value)| value)
}

/// Puts a field where one of its name is, or behind the others.
pub(super) fn set_field<'a>(fields: &mut Vec<(Name<'a>, Node<'a>)>, name: Name<'a>, value: Node<'a>) {
    match fields.iter_mut().find(|(found, _)| found.bytes == name.bytes) {
        Some((_, old)) => *old = value,
        None => fields.push((name, value)),
    }
}

/// Takes out the field of this name.
pub(super) fn remove_field<'a>(fields: &mut Vec<(Name<'a>, Node<'a>)>, name: &str) -> Option<Node<'a>> {
    let at = fields.iter().position(|(found, _)| *found.bytes == *name.as_bytes())?;
    Some(fields.remove(at).1)
}

impl<'a> Name<'a> {
    /// What it stands for; `None` when that is no Unicode.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
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
        let Node::Array(elements) = field(fields, "b").unwrap().open().unwrap() else { panic!("an array") };
        elements.push(Node::new(" 2 "));
        set_field(fields, Name::new("c\"ü\n"), Node::new("null"));
        let expected = r#"{"a":12345678901234567890123,"b":[1e400,{"x":"\u0041"},2],"c\"ü\n":null}"#;
        assert_eq!(node.to_text(), expected);
    }

    #[test]
    fn names_are_what_they_stand_for() {
        let mut node = Node::new(r#"{"\u0061": 1, "b": 2, "\ud800": 3}"#);
        let fields = node.open_object().unwrap();
        assert!(remove_field(fields, "a").is_some() && remove_field(fields, "a").is_none());
        assert_eq!(fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [Some("b"), None]);
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
}
