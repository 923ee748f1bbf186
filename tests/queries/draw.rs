//! Documents, indexes and queries by chance, of values that meet often.

use ferrolite::IndexSpec;
use serde_json::{Map, Value, json};

/// Numbers by chance, the same ones for a seed (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end as u64) as usize
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

const PATHS: [&str; 6] = ["a", "b", "c.d", "tags", "c", "x.y"];

fn scalar(dice: &mut Dice) -> Value {
    match dice.below(12) {
        0 => Value::Null,
        1 => json!(dice.chance(2)),
        2 => json!(dice.below(8) as f64 / 2.0),
        3 => json!(dice.pick(&["", "a", "ab", "abc", "b", "ü", "a\u{0}"])),
        // Longer than an index entry, and cut alike.
        4 if dice.chance(6) => json!(format!("{}{}", "long".repeat(300), dice.below(3))),
        _ => json!(dice.below(8) as i64 - 2),
    }
}

fn value(dice: &mut Dice) -> Value {
    match dice.below(12) {
        0 => (0..dice.below(3)).map(|_| scalar(dice)).collect(),
        1 => json!({ "d": scalar(dice) }),
        _ => scalar(dice),
    }
}

pub fn document(dice: &mut Dice) -> Value {
    if dice.chance(40) {
        return scalar(dice);
    }
    let mut fields = Map::new();
    for name in ["a", "b", "x"] {
        if !dice.chance(5) {
            fields.insert(name.to_owned(), value(dice));
        }
    }
    if !dice.chance(4) {
        fields.insert("c".to_owned(), if dice.chance(8) { value(dice) } else { json!({ "d": value(dice) }) });
    }
    if !dice.chance(3) {
        let tags = (0..dice.below(4)).map(|_| scalar(dice)).collect();
        fields.insert("tags".to_owned(), if dice.chance(10) { scalar(dice) } else { tags });
    }
    Value::Object(fields)
}

pub fn indexes(dice: &mut Dice) -> Vec<IndexSpec> {
    let all = [
        IndexSpec::from("a"),
        IndexSpec::from("b"),
        IndexSpec::from("c.d"),
        IndexSpec::from(["a", "b"]),
        IndexSpec::from(["b", "c.d", "a"]),
        IndexSpec::from(["c", "a"]),
        IndexSpec::from("tags").multi(),
        IndexSpec::from(["tags", "b"]),
    ];
    all.into_iter().filter(|_| !dice.chance(3)).collect()
}

fn operator(dice: &mut Dice) -> (&'static str, Value) {
    match dice.below(16) {
        0 => ("eq", value(dice)),
        1 => ("ne", value(dice)),
        2 => ("gt", value(dice)),
        3 | 4 => ("gte", value(dice)),
        5 => ("lt", value(dice)),
        6 => ("lte", value(dice)),
        7 => {
            let low = dice.below(6) as i64 - 2;
            ("between", json!([low, low + dice.below(4) as i64]))
        }
        8 | 9 => ("in", (0..dice.below(4)).map(|_| value(dice)).collect()),
        10 => ("nin", (0..dice.below(3)).map(|_| value(dice)).collect()),
        11 => ("startsWith", json!(dice.pick(&["", "a", "ab", "long", "ü"]))),
        12 => ("exists", json!(dice.chance(2))),
        13 => ("not", condition(dice)),
        _ => ("contains", scalar(dice)),
    }
}

fn condition(dice: &mut Dice) -> Value {
    if dice.chance(3) {
        return scalar(dice);
    }
    let mut operators = Map::new();
    for _ in 0..1 + dice.below(2) {
        let (name, operand) = operator(dice);
        operators.insert(name.to_owned(), operand);
    }
    Value::Object(operators)
}

fn filter(dice: &mut Dice, depth: usize) -> Value {
    let mut fields = Map::new();
    for _ in 0..dice.below(3) {
        fields.insert(dice.pick(&PATHS).to_owned(), condition(dice));
    }
    if depth > 0 && dice.chance(3) {
        let name = dice.pick(&["and", "or", "or", "not"]);
        let inner = match name {
            "not" => filter(dice, depth - 1),
            _ => (0..dice.below(4)).map(|_| filter(dice, depth - 1)).collect(),
        };
        fields.insert(name.to_owned(), inner);
    }
    Value::Object(fields)
}

fn order(dice: &mut Dice) -> Value {
    let path = dice.pick(&PATHS);
    if dice.chance(3) { json!({"path": path, "reverse": true}) } else { json!(path) }
}

/// A query without limit, offset and selection.
pub fn query(dice: &mut Dice) -> Value {
    let mut query = Map::new();
    if !dice.chance(12) {
        query.insert("where".to_owned(), filter(dice, 2));
    }
    match dice.below(6) {
        0 | 1 => {}
        2 | 3 => drop(query.insert("orderBy".to_owned(), order(dice))),
        count => drop(query.insert("orderBy".to_owned(), (2..count).map(|_| order(dice)).collect())),
    }
    if dice.chance(4) {
        query.insert("reverse".to_owned(), json!(dice.chance(2)));
    }
    if dice.chance(6) {
        let name = dice.pick(&["gt", "gte", "lt", "prefix"]);
        query.insert("keys".to_owned(), json!({ name: format!("key{}", dice.below(10)) }));
    }
    Value::Object(query)
}

pub fn selection(dice: &mut Dice) -> Value {
    (0..1 + dice.below(3)).map(|_| json!(dice.pick(&PATHS))).collect()
}
