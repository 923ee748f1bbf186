//! Encoded values as text for people: JSON, as far as an encoding goes.

use super::ordering::{Kind, MISSING, encoded_length};

/// Longer texts are cut.
const SHOWN_CHARS: usize = 60;

/// The values whose encodings stand one behind the other in `bytes`. What is only the beginning of an encoding is told by
/// its kind, in parentheses.
pub(crate) fn texts_of(bytes: &[u8]) -> Vec<String> {
    let (mut texts, mut rest) = (Vec::new(), bytes);
    while let Some((first, behind)) = rest.split_first() {
        if *first == MISSING {
            texts.push("(missing)".to_owned());
            rest = behind;
            continue;
        }
        let value = encoded_length(rest).and_then(|length| rest.split_at_checked(length));
        let Some((text, behind)) = value.and_then(|(value, behind)| Some((text_of(value)?, behind))) else {
            texts.push(format!("({})", Kind::of(rest).name()));
            break;
        };
        texts.push(shorten(text));
        rest = behind;
    }
    texts
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// The JSON text of one encoding.
fn text_of(encoded: &[u8]) -> Option<String> {
    let mut reader = Reader { rest: encoded };
    let text = reader.value()?;
    reader.rest.is_empty().then_some(text)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn value(&mut self) -> Option<String> {
        match self.take()? {
            0x10 => Some("null".to_owned()),
            0x20 => Some("false".to_owned()),
            0x28 => Some("true".to_owned()),
            0x30 => self.number(),
            0x40 => self.string(),
            0x50 => {
                let mut elements = Vec::new();
                while self.rest.first()? != &0 {
                    elements.push(self.value()?);
                }
                self.take()?;
                Some(format!("[{}]", elements.join(",")))
            }
            0x60 => {
                let mut fields = Vec::new();
                while self.take()? != 0 {
                    let name = self.string()?;
                    fields.push(format!("{name}:{}", self.value()?));
                }
                Some(format!("{{{}}}", fields.join(",")))
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<String> {
        let (bits, rest) = self.rest.split_first_chunk::<8>()?;
        let (remainder, rest) = rest.split_first_chunk::<2>()?;
        self.rest = rest;
        let ordered = u64::from_be_bytes(*bits);
        let nearest = f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered });
        let remainder = i128::from(u16::from_be_bytes(*remainder)) - 0x8000;
        let is_integer = nearest.fract() == 0.0 && nearest.abs() < 2f64.powi(65);
        Some(if is_integer { (nearest as i128 + remainder).to_string() } else { nearest.to_string() })
    }

    fn string(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            match (self.take()?, self.rest.first()) {
                (0, Some(1)) => break,
                (0, Some(0xff)) => bytes.push(0),
                (0, _) => return None,
                (byte, _) => {
                    bytes.push(byte);
                    continue;
                }
            }
            self.take()?;
        }
        self.take()?;
        serde_json::to_string(&String::from_utf8_lossy(&bytes)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::json::ordering::encode;

    fn text(json: &str) -> String {
        texts_of(&encode(json).unwrap()).join(" ")
    }

    #[test]
    fn values_are_told_as_json() {
        for json in [
            "null",
            "false",
            "true",
            "0",
            "-1.5",
            "9007199254740993",
            "18446744073709551615",
            "-9223372036854775808",
            r#""ü\u0000x""#,
            r#"[1,"a",[],{"b":null}]"#,
            r#"{"a":1,"b":{}}"#,
        ] {
            assert_eq!(text(json), json);
        }
        assert_eq!(
            (text("1.0"), text("-0"), text(r#"{"b":1,"a":2}"#)),
            ("1".into(), "0".into(), r#"{"a":2,"b":1}"#.into())
        );
        assert!(text(&format!("{:?}", "x".repeat(1000))).ends_with("xxx…"));
    }

    #[test]
    fn several_and_parts_are_told() {
        let several = [encode("\"a\"").unwrap(), vec![MISSING], encode("5").unwrap(), vec![0x40]].concat();
        assert_eq!(texts_of(&several), ["\"a\"", "(missing)", "5", "(a string)"]);
        assert!(texts_of(&[]).is_empty());
    }
}
