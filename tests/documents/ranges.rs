//! Ranges select the same keys for every verb that takes one.

use crate::support::fresh;
use ferrolite::Range;

const KEYS: [&str; 9] = ["a", "a\u{0}", "aa", "ab", "b", "b:1", "b:2", "ü", "\u{10ffff}"];

/// What the range means, said in another way.
fn expected(range: &Range) -> Vec<&'static str> {
    let above =
        |key: &str| range.gt.as_deref().is_none_or(|gt| key > gt) && range.gte.as_deref().is_none_or(|gte| key >= gte);
    let below =
        |key: &str| range.lt.as_deref().is_none_or(|lt| key < lt) && range.lte.as_deref().is_none_or(|lte| key <= lte);
    let prefixed = |key: &str| range.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix));
    let mut keys = KEYS;
    keys.sort();
    if range.reverse {
        keys.reverse();
    }
    let inside = keys.into_iter().filter(|key| above(key) && below(key) && prefixed(key));
    inside.take(range.limit.unwrap_or(u64::MAX) as usize).collect()
}

fn ranges() -> Vec<Range> {
    let bounds = ["", "a", "aa", "b", "b:", "zz", "\u{10ffff}x"];
    let mut ranges = vec![Range::all()];
    for low in bounds {
        ranges.extend([Range::all().gt(low), Range::all().gte(low), Range::all().lt(low), Range::all().lte(low)]);
        ranges.extend([Range::prefix(low), Range::prefix("b").gt(low), Range::prefix("a").lte(low)]);
        for high in bounds {
            ranges.extend([Range::all().gte(low).lt(high), Range::all().gt(low).lte(high)]);
        }
    }
    let mut all = Vec::new();
    for range in ranges {
        for limit in [None, Some(0), Some(1), Some(3), Some(100)] {
            let limited = Range { limit, ..range.clone() };
            all.extend([limited.clone(), limited.reverse()]);
        }
    }
    all
}

#[test]
fn every_verb_reads_the_same_range() {
    let mut db = fresh();
    db.set_many(KEYS.map(|key| (key, key))).unwrap();
    for range in ranges() {
        let expected = expected(&range);
        assert_eq!(db.keys(&range).unwrap(), expected, "{range:?}");
        assert_eq!(db.values::<String>(&range).unwrap(), expected, "{range:?}");
        assert_eq!(db.count(&range).unwrap(), expected.len() as u64, "{range:?}");
        let pairs: Vec<_> = expected.iter().map(|key| ((*key).to_owned(), (*key).to_owned())).collect();
        assert_eq!(db.entries::<String>(&range).unwrap(), pairs, "{range:?}");
        let scanned: Vec<_> = db.scan(&range).unwrap().map(|document| document.unwrap().key).collect();
        assert_eq!(scanned, expected, "{range:?}");
    }
}

#[test]
fn deleting_a_range_leaves_the_rest() {
    for range in ranges() {
        let mut db = fresh();
        db.set_many(KEYS.map(|key| (key, key))).unwrap();
        let expected = expected(&range);
        let version = db.version();
        assert_eq!(db.delete_range(&range).unwrap(), expected.len() as u64, "{range:?}");
        let mut left: Vec<_> = KEYS.into_iter().filter(|key| !expected.contains(key)).collect();
        left.sort();
        assert_eq!(db.keys(&Range::all()).unwrap(), left, "{range:?}");
        assert_eq!(db.version() - version, u64::from(!expected.is_empty()), "one commit: {range:?}");
    }
}

#[test]
fn a_scan_reads_as_it_goes() {
    let mut db = fresh();
    db.set_many((0..1000).map(|number| (format!("{number:04}"), number))).unwrap();
    let mut scan = db.scan(&Range::all()).unwrap();
    assert_eq!(scan.next().unwrap().unwrap().parse::<u32>().unwrap(), 0);
    assert_eq!(scan.map(|document| document.unwrap().parse::<u32>().unwrap()).sum::<u32>(), 499_500);
}
