//! Calls as they stand in a message: `[verb, ...arguments]`, or `["@NAME", verb, ...arguments]` on the collection NAME.
//!
//! Behind the JSON of a message may stand a zero byte, and then its attachments: bytes, each behind their number as a u32,
//! little-endian. Arguments name them by their numbers, from 0. Answers have attachments in the same form.

use super::operation::Operation;
use crate::documents::{Condition, Error, FindOptions, Range, Result, SetOptions, WatchOptions};
use crate::wording::json_text;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// No verb takes more arguments.
const MAX_ARGUMENTS: usize = 3;

/// One call; its arguments are left as JSON text until the verb asks for them.
pub(crate) struct Call<'a> {
    /// Empty for the default collection.
    pub collection: Cow<'a, str>,
    /// The operation's name, as the client has written it.
    pub name: &'a str,
    /// `None` if no operation has the name: the call then fails.
    pub operation: Option<Operation>,
    arguments: [Option<&'a RawValue>; MAX_ARGUMENTS],
}

/// A string within a message, borrowed unless it has escapes.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The calls of a message, and its attachments.
pub(crate) fn parse(message: &[u8]) -> Result<(Vec<Call<'_>>, Attachments<'_>)> {
    let end = message.iter().position(|byte| *byte == 0).unwrap_or(message.len());
    let (message, behind) = message.split_at(end);
    let mut attachments = Vec::new();
    let mut rest = behind.get(1..).unwrap_or_default();
    while let Some((length, bytes)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (bytes, next) = bytes.split_at_checked(length).ok_or_else(|| not_understood("an attachment"))?;
        attachments.push(bytes);
        rest = next;
    }
    Ok((parse_calls(message)?, Attachments(attachments)))
}

/// Bytes that came with a message.
#[derive(Debug, Default)]
pub(crate) struct Attachments<'a>(Vec<&'a [u8]>);

impl<'a> Attachments<'a> {
    /// The bytes that an argument names.
    pub fn of(&self, call: &Call<'_>, index: usize) -> Result<&'a [u8]> {
        let number: usize = call.parse(index)?;
        self.0.get(number).copied().ok_or_else(|| not_understood("an attachment that is not there"))
    }
}

fn options_of<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::InvalidOptions { reason: json_text(text, &error) })
}

fn parse_calls(message: &[u8]) -> Result<Vec<Call<'_>>> {
    let message = std::str::from_utf8(message).map_err(|_| not_understood("the message: it is not UTF-8"))?;
    let told = |error| not_understood(format!("the message: {}", json_text(message, &error)));
    serde_json::from_str(message).map_err(told)
}

/// The error for what no client of this version sends.
pub(crate) fn not_understood(what: impl fmt::Display) -> Error {
    Error::Internal { message: format!("the engine did not understand {what}") }
}

impl<'a> Call<'a> {
    /// The raw JSON text of an argument.
    pub fn json(&self, index: usize) -> Result<&'a str> {
        self.raw(index).map(RawValue::get)
    }

    /// An argument that was parsed, and is left as text.
    pub fn raw(&self, index: usize) -> Result<&'a RawValue> {
        let argument = self.arguments.get(index).copied().flatten();
        argument.ok_or_else(|| not_understood(format!("{:?} with {index} arguments", self.name)))
    }

    /// The raw JSON text of an argument that may be left out.
    pub fn optional(&self, index: usize) -> Option<&'a str> {
        self.arguments.get(index).copied().flatten().map(RawValue::get)
    }

    /// An argument of a type of its own.
    pub fn parse<T: Deserialize<'a>>(&self, index: usize) -> Result<T> {
        let text = self.json(index)?;
        let told = |error| not_understood(format!("an argument of {:?}: {}", self.name, json_text(text, &error)));
        serde_json::from_str(text).map_err(told)
    }

    /// The name that the caller gives to the task that the call begins, if any.
    pub fn task_name(&self, index: usize) -> Result<Option<u64>> {
        self.optional(index).map(|_| self.parse(index)).transpose()
    }

    /// A key, the first argument.
    pub fn key(&self) -> Result<Cow<'a, str>> {
        let text = self.json(0)?;
        serde_json::from_str(text).map(|Text(key)| key).map_err(|error| Error::InvalidKey {
            key: text.chars().take(48).collect(),
            reason: json_text(text, &error),
        })
    }

    /// Keys, the first argument.
    pub fn keys(&self) -> Result<Vec<Cow<'a, str>>> {
        let keys: Vec<Text<'_>> = self.parse(0)?;
        Ok(keys.into_iter().map(|Text(key)| key).collect())
    }

    /// A document or none: an array of one, or of nothing.
    pub fn perhaps(&self, index: usize) -> Result<Option<&'a str>> {
        let documents: Vec<&RawValue> = self.parse(index)?;
        Ok(documents.first().map(|json| json.get()))
    }

    /// The name of a collection, the first argument.
    pub fn name(&self) -> Result<Cow<'a, str>> {
        let text = self.json(0)?;
        let invalid = |error: serde_json::Error| Error::InvalidCollection {
            name: text.chars().take(48).collect(),
            reason: json_text(text, &error),
        };
        serde_json::from_str(text).map(|Text(name)| name).map_err(invalid)
    }

    /// A path, the first argument.
    pub fn path(&self) -> Result<Cow<'a, str>> {
        let text = self.json(0)?;
        serde_json::from_str(text).map(|Text(path)| path).map_err(|error| Error::InvalidPath {
            path: text.chars().take(48).collect(),
            reason: json_text(text, &error),
        })
    }

    /// A range, the first argument.
    pub fn range(&self) -> Result<Range> {
        let text = self.json(0)?;
        serde_json::from_str(text).map_err(|error| Error::InvalidRange { reason: json_text(text, &error) })
    }

    /// A condition, the second argument.
    pub fn condition(&self) -> Result<Condition> {
        Condition::parse(self.json(1)?)
    }

    /// The options of `find`, the third argument.
    pub fn find_options(&self) -> Result<FindOptions> {
        options_of(self.json(2)?)
    }

    /// The options of `setWith` and `setBytes`, the third argument.
    pub fn set_options(&self) -> Result<SetOptions> {
        let options: WrittenSetOptions = options_of(self.json(2)?)?;
        let WrittenSetOptions { ttl, keep_ttl, if_version, if_absent } = options;
        Ok(SetOptions { ttl: ttl.map(Duration::from_millis), keep_ttl, if_version, if_absent })
    }

    /// The options of `watchOpen`, the second argument.
    pub fn watch_options(&self) -> Result<WatchOptions> {
        let options: WrittenWatchOptions = options_of(self.json(1)?)?;
        Ok(WatchOptions { since: options.since, without_values: !options.values.unwrap_or(true) })
    }

    /// A time to live in milliseconds.
    pub fn ttl(&self, index: usize) -> Result<Duration> {
        let text = self.json(index)?;
        serde_json::from_str(text).map(Duration::from_millis).map_err(|error| Error::InvalidOptions {
            reason: format!("a time to live is a whole number of milliseconds: {}", json_text(text, &error)),
        })
    }
}

/// [`SetOptions`], as they stand in a message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenSetOptions {
    /// Milliseconds.
    ttl: Option<u64>,
    #[serde(default)]
    keep_ttl: bool,
    if_version: Option<u64>,
    #[serde(default)]
    if_absent: bool,
}

/// [`WatchOptions`], as they stand in a message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWatchOptions {
    since: Option<u64>,
    values: Option<bool>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Call<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = Call<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a call, [verb, ...arguments]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> std::result::Result<Call<'de>, A::Error> {
                let no_verb = || A::Error::custom("a call without a verb");
                let Text(mut verb) = parts.next_element()?.ok_or_else(no_verb)?;
                let mut collection = Cow::Borrowed("");
                if verb.starts_with('@') {
                    collection = match verb {
                        Cow::Borrowed(name) => Cow::Borrowed(name.get(1..).unwrap_or_default()),
                        Cow::Owned(name) => Cow::Owned(name.get(1..).unwrap_or_default().to_owned()),
                    };
                    Text(verb) = parts.next_element()?.ok_or_else(no_verb)?;
                }
                let Cow::Borrowed(verb) = verb else { return Err(A::Error::custom("a verb with an escape")) };
                let mut arguments = [None; MAX_ARGUMENTS];
                for argument in &mut arguments {
                    *argument = parts.next_element()?;
                }
                match parts.next_element::<&RawValue>()? {
                    Some(_) => Err(A::Error::custom("a call with too many arguments")),
                    None => Ok(Call { collection, name: verb, operation: Operation::parse(verb), arguments }),
                }
            }
        }

        deserializer.deserialize_seq(Parts)
    }
}
