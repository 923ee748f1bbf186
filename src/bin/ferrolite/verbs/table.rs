//! All verbs.

use super::{bytes, changes, collections, documents, file, indexes, keys, lists, queries, ranges, transfer, updates};
use crate::command::Request;
use crate::command::{Access, Place, Run, Verb};
use crate::dump;
use std::ops::RangeInclusive;

const COLLECTION: &[&str] = &["collection"];
const RANGE: &[&str] = &["collection", "prefix", "gt", "gte", "lt", "lte", "limit", "reverse"];
const FORCE: &[&str] = &["force"];
const ANY_NUMBER: RangeInclusive<usize> = 0..=usize::MAX;

const READ: fn(&Request) -> Access = |_| Access::Read;
const WRITE: fn(&Request) -> Access = |_| Access::Write;
const CREATE: fn(&Request) -> Access = |_| Access::Create;

/// A verb that needs nothing; the base of the others.
const PLAIN: Verb = Verb {
    name: "",
    alias: "",
    arguments: "",
    words: 0..=0,
    options: &[],
    summary: "",
    access: READ,
    run: Run::Exit,
    place: Place::Anywhere,
};

/// All verbs, in the order of the help text.
pub static VERBS: &[Verb] = &[
    Verb {
        name: "get",
        arguments: "KEY...",
        words: 1..=usize::MAX,
        options: COLLECTION,
        summary: "print documents",
        run: Run::Verb(documents::get),
        ..PLAIN
    },
    Verb {
        name: "set",
        arguments: "KEY JSON [--ttl SECONDS | --keep-ttl] [--if-absent | --if-version VERSION]",
        words: 2..=2,
        options: &["collection", "ttl", "keep-ttl", "if-absent", "if-version"],
        summary: "store a document; `-` reads it from standard input",
        access: CREATE,
        run: Run::Verb(documents::set),
        ..PLAIN
    },
    Verb {
        name: "increment",
        arguments: "KEY [BY]",
        words: 1..=2,
        options: COLLECTION,
        summary: "add to the integer at a key, 1 if BY is left out, and print the sum",
        access: CREATE,
        run: Run::Verb(updates::increment),
        ..PLAIN
    },
    Verb {
        name: "swap",
        alias: "cas",
        arguments: "KEY EXPECTED NEXT",
        words: 3..=3,
        options: COLLECTION,
        summary: "store NEXT if the document is EXPECTED; `none` stands for no document",
        access: updates::swap_access,
        run: Run::Verb(updates::swap),
        ..PLAIN
    },
    Verb {
        name: "rename",
        arguments: "FROM TO",
        words: 2..=2,
        options: COLLECTION,
        summary: "move a document, over one that may be there",
        access: WRITE,
        run: Run::Verb(updates::rename),
        ..PLAIN
    },
    Verb {
        name: "patch",
        arguments: "KEY OPERATIONS",
        words: 2..=2,
        options: COLLECTION,
        summary: "change a document by a JSON Patch (RFC 6902); `-` reads it from standard input",
        access: WRITE,
        run: Run::Verb(updates::patch),
        ..PLAIN
    },
    Verb {
        name: "merge-patch",
        arguments: "KEY PATCH",
        words: 2..=2,
        options: COLLECTION,
        summary: "change a document by a JSON Merge Patch (RFC 7396); `-` reads it from standard input",
        access: WRITE,
        run: Run::Verb(updates::merge_patch),
        ..PLAIN
    },
    Verb {
        name: "push",
        arguments: "KEY left|right JSON...",
        words: 3..=usize::MAX,
        options: COLLECTION,
        summary: "add elements at an end of a list, a document that is an array, and print its length",
        access: CREATE,
        run: Run::Verb(lists::push),
        ..PLAIN
    },
    Verb {
        name: "pop",
        arguments: "KEY left|right",
        words: 2..=2,
        options: COLLECTION,
        summary: "take the element at an end of a list, and print it",
        access: WRITE,
        run: Run::Verb(lists::pop),
        ..PLAIN
    },
    Verb {
        name: "elements",
        alias: "lrange",
        arguments: "KEY [START STOP]",
        words: 1..=3,
        options: COLLECTION,
        summary: "print the elements of a list; negative indexes count from the end",
        run: Run::Verb(lists::elements),
        ..PLAIN
    },
    Verb {
        name: "length",
        alias: "llen",
        arguments: "KEY",
        words: 1..=1,
        options: COLLECTION,
        summary: "print how many elements a list has",
        run: Run::Verb(lists::length),
        ..PLAIN
    },
    Verb {
        name: "trim",
        alias: "ltrim",
        arguments: "KEY START STOP",
        words: 3..=3,
        options: COLLECTION,
        summary: "remove what is not between two elements of a list",
        access: WRITE,
        run: Run::Verb(lists::trim),
        ..PLAIN
    },
    Verb {
        name: "set-file",
        arguments: "KEY FILE [--ttl SECONDS]",
        words: 2..=2,
        options: &["collection", "ttl"],
        summary: "store the bytes of a file; `-` is standard input",
        access: CREATE,
        run: Run::Verb(bytes::set_file),
        ..PLAIN
    },
    Verb {
        name: "get-file",
        arguments: "KEY FILE [--force]",
        words: 2..=2,
        options: &["collection", "force"],
        summary: "write the bytes at a key into a file; `-` is standard output",
        run: Run::Verb(bytes::get_file),
        ..PLAIN
    },
    Verb {
        name: "delete",
        arguments: "KEY... | RANGE",
        words: ANY_NUMBER,
        options: RANGE,
        summary: "delete documents",
        access: WRITE,
        run: Run::Verb(documents::delete),
        ..PLAIN
    },
    Verb {
        name: "ttl",
        arguments: "KEY",
        words: 1..=1,
        options: COLLECTION,
        summary: "print how many seconds a document has to live",
        run: Run::Verb(documents::ttl),
        ..PLAIN
    },
    Verb {
        name: "expire",
        arguments: "KEY SECONDS",
        words: 2..=2,
        options: COLLECTION,
        summary: "let a document expire after so many seconds from now",
        access: WRITE,
        run: Run::Verb(documents::expire),
        ..PLAIN
    },
    Verb {
        name: "persist",
        arguments: "KEY",
        words: 1..=1,
        options: COLLECTION,
        summary: "take a document's time to live away",
        access: WRITE,
        run: Run::Verb(documents::persist),
        ..PLAIN
    },
    Verb {
        name: "keys",
        arguments: "[RANGE]",
        options: RANGE,
        summary: "print keys, a line each",
        run: Run::Verb(ranges::keys),
        ..PLAIN
    },
    Verb {
        name: "scan",
        arguments: "[RANGE]",
        options: RANGE,
        summary: "print keys and documents, a line each",
        run: Run::Verb(ranges::scan),
        ..PLAIN
    },
    Verb {
        name: "count",
        arguments: "[RANGE]",
        options: RANGE,
        summary: "print how many documents there are",
        run: Run::Verb(ranges::count),
        ..PLAIN
    },
    Verb {
        name: "index",
        arguments: "[list | create PATH... [--unique] [--multi] | drop PATH...]",
        words: ANY_NUMBER,
        options: &["collection", "unique", "multi"],
        summary: "list, create or drop indexes; a path is as address.city",
        access: indexes::access,
        run: Run::Verb(indexes::index),
        ..PLAIN
    },
    Verb {
        name: "collections",
        summary: "print the names of the collections, a line each",
        run: Run::Verb(collections::list),
        ..PLAIN
    },
    Verb {
        name: "drop-collection",
        arguments: "NAME",
        words: 1..=1,
        summary: "drop a collection with its documents and indexes",
        access: WRITE,
        run: Run::Verb(collections::drop),
        ..PLAIN
    },
    Verb {
        name: "find",
        arguments: "PATH JSON | PATH --gte JSON --lt JSON ...",
        words: 1..=2,
        options: &["collection", "gt", "gte", "lt", "lte", "limit", "reverse"],
        summary: "print the keys of documents by the value at a path",
        run: Run::Verb(indexes::find),
        ..PLAIN
    },
    Verb {
        name: "query",
        arguments: "JSON",
        words: 1..=1,
        options: COLLECTION,
        summary: "print the documents that a query finds, as {\"where\": {\"age\": {\"gte\": 18}}, \"limit\": 10}",
        run: Run::Verb(queries::query),
        ..PLAIN
    },
    Verb {
        name: "explain",
        arguments: "JSON",
        words: 1..=1,
        options: COLLECTION,
        summary: "run a query, and print how it was answered",
        run: Run::Verb(queries::explain),
        ..PLAIN
    },
    Verb {
        name: "load",
        arguments: "[NDJSON] [--allow-incomplete]",
        words: 0..=1,
        options: &["collection", "allow-incomplete"],
        summary: "store documents from lines of JSON, of a file or standard input",
        access: CREATE,
        run: Run::Load,
        place: Place::Shell,
        ..PLAIN
    },
    Verb {
        name: "dump",
        arguments: "[RANGE] [--plain]",
        options: &["collection", "prefix", "gt", "gte", "lt", "lte", "limit", "reverse", "plain"],
        summary: "print documents as lines of JSON, for load",
        run: Run::Verb(dump::run),
        place: Place::Shell,
        ..PLAIN
    },
    Verb {
        name: "export",
        arguments: "OUT [--force]",
        words: 1..=1,
        options: FORCE,
        summary: "write the database as it is now into the new file OUT; `-` is standard output",
        run: Run::Verb(transfer::export),
        place: Place::Shell,
        ..PLAIN
    },
    Verb {
        name: "import",
        arguments: "NEW [--force]",
        words: 1..=1,
        options: FORCE,
        summary: "make the new database NEW of an exported FILE; `-` is standard input",
        run: Run::Import,
        place: Place::Shell,
        ..PLAIN
    },
    Verb {
        name: "changes",
        arguments: "[--since VERSION] [--limit COUNT]",
        options: &["since", "limit"],
        summary: "print what commits have changed, as lines of JSON, as far as --change-history has noted it",
        run: Run::Verb(changes::changes),
        ..PLAIN
    },
    Verb {
        name: "import-ferrumdb",
        arguments: "NEW [--source-key-file FILE] [--force]",
        words: 1..=1,
        options: &["source-key-file", "force"],
        summary: "take the documents of a FerrumDB file over into the new file NEW",
        run: Run::ImportFerrumdb,
        place: Place::Shell,
        ..PLAIN
    },
    Verb { name: "info", alias: "stats", summary: "print figures about the file", run: Run::Verb(file::info), ..PLAIN },
    Verb {
        name: "check",
        arguments: "[--quick]",
        options: &["quick"],
        summary: "look for damage, in every page of the file; --quick: in its structure only",
        run: Run::Verb(file::check),
        ..PLAIN
    },
    Verb {
        name: "salvage",
        arguments: "OUT [--force]",
        words: 1..=1,
        options: FORCE,
        summary: "recover what can be read of a damaged file into the new file OUT, and tell what is lost",
        run: Run::Salvage,
        place: Place::Shell,
        ..PLAIN
    },
    Verb {
        name: "compact",
        summary: "rewrite what deleted documents left behind, and shrink the file",
        access: WRITE,
        run: Run::Verb(file::compact),
        ..PLAIN
    },
    Verb {
        name: "change-key",
        arguments: "[--new-key-file FILE | --new-passphrase-file FILE]",
        options: &["new-key-file", "new-passphrase-file"],
        summary: "let another key or passphrase open an encrypted file; without one, ask for a passphrase",
        access: WRITE,
        run: Run::ChangeKey,
        place: Place::Shell,
        ..PLAIN
    },
    Verb {
        name: "rotate-key",
        summary: "seal an encrypted file with a new random key inside; what opens it stays",
        access: WRITE,
        run: Run::Verb(keys::rotate),
        ..PLAIN
    },
    Verb {
        name: "repl",
        arguments: "[--read-only]",
        options: &["read-only"],
        summary: "read verbs from the terminal, or a script of them from standard input",
        access: CREATE,
        run: Run::Repl,
        place: Place::Shell,
        ..PLAIN
    },
    Verb {
        name: "help",
        arguments: "[VERB]",
        words: 0..=1,
        summary: "print this, or how to use a verb",
        run: Run::Help,
        ..PLAIN
    },
    Verb { name: "exit", alias: "quit", summary: "leave", run: Run::Exit, place: Place::Repl, ..PLAIN },
];
