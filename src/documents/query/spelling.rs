//! Operators by the names that other stores have for them, so that an error can name the right one.

/// The operators of a condition.
pub(super) const OPERATORS: [&str; 13] =
    ["eq", "ne", "gt", "gte", "lt", "lte", "between", "in", "nin", "startsWith", "exists", "not", "contains"];

/// Names of MongoDB, RxDB, Dexie, Firestore and SQL, in lower case and without `$`, and what to write instead.
const NAMES: &[(&[&str], &str)] = &[
    (&["eq", "equals", "equal", "=", "==", "===", "is"], "`eq`"),
    (&["ne", "neq", "notequal", "notequals", "!=", "!==", "<>", "isnot"], "`ne`"),
    (&["gt", "above", "greaterthan", "after", ">"], "`gt`"),
    (&["gte", "aboveorequal", "greaterthanorequal", "min", ">="], "`gte`"),
    (&["lt", "below", "lessthan", "before", "<"], "`lt`"),
    (&["lte", "beloworequal", "lessthanorequal", "max", "<="], "`lte`"),
    (&["between", "range"], "`between`: [low, high]"),
    (&["in", "anyof", "oneof"], "`in`"),
    (&["nin", "notin", "not-in", "noneof"], "`nin`"),
    (&["startswith", "beginswith", "prefix"], "`startsWith`"),
    (&["startswithanyof"], "`startsWith` for each beginning, in filters under `or`"),
    (&["exists"], "`exists`"),
    (&["isnull", "null"], "null for a value that is null, `exists`: false for a missing value"),
    (&["type"], "`exists`, or bounds: a range finds only values of the type of its bounds"),
    (&["not"], "`not`"),
    (&["contains", "includes", "elemmatch", "has", "array-contains"], "`contains`, with an element"),
    (&["array-contains-any", "containsany"], "`contains` for each element, in filters under `or`"),
    (&["all", "containsall"], "`contains` for each element, in filters under `and`"),
    (
        &["regex", "options", "like", "ilike", "match", "matches"],
        "`startsWith` (patterns do not exist), or test the rows",
    ),
    (&["endswith", "equalsignorecase", "startswithignorecase"], "a field with the text as it is to be found"),
    (&["size", "mod", "where", "expr", "text", "near"], "a field with the result, or test the rows"),
    (&["and"], "`and`: [filters], beside the paths of a filter"),
    (&["or"], "`or`: [filters], beside the paths of a filter"),
    (&["nor"], "`not`: {`or`: [filters]}, beside the paths of a filter"),
];

/// Suggests an operator for a name that is none here.
pub(crate) fn instead_of(name: &str) -> Option<&'static str> {
    let plain = name.trim_start_matches('$').to_ascii_lowercase();
    NAMES.iter().find(|(names, _)| names.contains(&&plain[..])).map(|(_, instead)| *instead)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_found_by_its_own_name() {
        for operator in OPERATORS {
            for name in [operator.to_owned(), format!("${operator}"), operator.to_uppercase()] {
                let instead = instead_of(&name).unwrap();
                assert!(instead.starts_with(&format!("`{operator}`")), "{name}: {instead}");
            }
        }
        assert_eq!(instead_of("city"), None);
    }
}
