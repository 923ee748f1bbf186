//! Writes `fuzz/seeds`: a few inputs for each target, most of them cut out of sound files.
//!
//! ```text
//! cargo test --lib fuzzing::seeds -- --ignored
//! ```

use super::file::bases;
use crate::page::PAGE_HEADER_LEN;
use std::fs;
use std::path::Path;

fn write(target: &str, name: &str, data: &[u8]) {
    let folder = Path::new("fuzz/seeds").join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), data).unwrap();
}

/// The parts of sound files.
fn write_parts() {
    for (index, base) in bases().iter().enumerate() {
        let mut slots = vec![0x0f, 0];
        (0..4).for_each(|slot| slots.extend_from_slice(&base.bytes[slot * 4096..slot * 4096 + 224]));
        write("superblock", &format!("file-{index}"), &slots);
        write("owner", &format!("file-{index}"), &base.bytes[24576..24576 + 48]);
        let mut seen = [0; 20];
        for part in &base.sealed {
            let bytes = &base.bytes[part.at..part.at + part.len];
            let (kind, payload) = (bytes[0], &bytes[PAGE_HEADER_LEN..]);
            seen[usize::from(kind)] += 1;
            if seen[usize::from(kind)] > 2 || payload.len() > 1500 {
                continue;
            }
            let name = format!("file-{index}-{}", seen[usize::from(kind)]);
            let forged = [&[kind.saturating_sub(1), 0, 1], &bytes[..16], payload].concat();
            match kind {
                1 | 2 if bytes[2] == 0 => {
                    write("block", &format!("{name}-{kind}"), &[&[0], payload].concat());
                    write("page", &format!("{name}-{kind}"), &forged);
                }
                1 => write("page", &format!("{name}-lz4"), &forged),
                3 => write("filter", &name, payload),
                4 => {
                    write("manifest", &name, payload);
                    write("page", &format!("{name}-manifest"), &forged);
                    let skipped = if payload[0] == 0 { 3 } else { 31 };
                    write("table_meta", &name, &payload[(skipped + 2).min(payload.len())..]);
                }
                17 => write("batch", &name, payload),
                _ => {}
            }
        }
    }
}

fn write_texts() {
    write("block", "entries", b"\x01\x02\x03abc\x05\x03xyz\x06\x03abd\x07\x02no\x01\x02\x03\x04\x05\x06\x07\x08");
    write("catalog", "counter", b"\x01\x01\x04\x03\0\0\0");
    let entry = br#"{"path":"a.b","state":{"building":{"after":"k"}}}"#;
    let record = [&b"\x01\x01\x04\x03\0\0\0\x09\x02\0\0\0\x01\0\0\0\x01"[..], &[entry.len() as u8], entry].concat();
    write("catalog", "index", &record);
    write("key", "two", "\u{1}user:1\nuser:\u{fc}".as_bytes());
    write("key", "stored", b"\x01user:1");
    write("ordering", "values", b"\x09\x03\x02\x05\x07\x03ab\0\x06\0\0\0\0\0\0\xf0\x3f\x09\x02\x02\x05\x07\x02ab");
    write("ordering", "encoded", b"\x50\x30\x80\0\0\0\0\0\0\0\x80\0\x40ab\0\xffc\0\x01\x60\x01k\0\x01\x28\0\0");
    write("ordering", "text", br#"{"a":[1,2.5e3,"\ud83d\ude00",null],"b":{"c":18446744073709551615}}"#);
    write("index_entry", "string", b"\x00\x40abc\x00\x01\x01user:1");
    write("index_entry", "document", b"\x01key\n\x09\x02\x02\x05\x07\x04abcd");
    write(
        "path",
        "nested",
        br#"a.b
{"a": {"b": [1, "x\"}", {"c": null}]}, "\u0061": {"b": 2.5}, "z": "\n"}"#,
    );
    write("path", "none", b"a.b.c\n{\"a\":{\"b\":\"c\"}}");
    write("condition", "range", b"{\"gte\": 18, \"lt\": 65}\n\x02\x20\x02\x10\x03\x01\0\0\0\0\0\0\0");
    write("condition", "strings", b"{\"gt\":\"a\",\"lte\":\"c\"}\n\x07\x01b\x07\x02cd");
    write("condition", "equality", b"[1,\"a\",null]\n\x08\x03\x02\x01\x07\x01a\x00");
    write(
        "journal",
        "several",
        b"\x05\x01\x07\x01\x01a\x00\x0c\x05users\x01b\x03\x04\x04\x01c\x02\x80\x01\x0a\x03log\x00\x00",
    );
    write("message", "watches", br#"[["watchOpen",{"prefix":"a"},{"values":false}],["watchFind","n",{"gte":1},{"limit":1}],["watchNext",1],["set","a",{"n":3}],["watchNext",2],["watchNext",1],["setEx","a",1,1],["watchClose",1],["watchNext",1]]"#);
    write("message", "reads", br#"[["get","a"],["getMany",["a","b","?"]],["keys",{"prefix":"a"}],["count",{}],["find","n",{"gte":1},{}],["ttl","a"],["indexes"]]"#);
    write("message", "writes", br#"[["set","c",{"n":3}],["setEx","d",1,1000],["delete","a"],["commit",[{"set":"x","value":1}]],["setMany",[["e",1],["f",[]]]],["expire","b",5],["persist","b"],["deleteRange",{"gt":"c"}]]"#);
    write("message", "tasks", br#"[["createIndex","s"],["compact"],["check",true],["scanOpen",{}],["scanNext",1],["scanClose",1],["dropIndex","n"],["flush"]]"#);
}

fn write_workloads() {
    let mut seed = 7_u64;
    let mut noise = |len: usize| -> Vec<u8> {
        let byte = |_| {
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (seed >> 56) as u8
        };
        (0..len).map(byte).collect()
    };
    for (name, len) in [("short", 60), ("middle", 200), ("long", 600)] {
        write("operations", name, &noise(len));
        write("log", name, &noise(len));
    }
    // Two segments and a link, all of them right.
    let frames =
        |count: u8| [&[0, count][..], &[1, 2, b'k', b'y', 1, 3, b'a', b'b', b'c', 0, 0].repeat(count.into())].concat();
    write("log", "linked", &[&[1, 3][..], &frames(3), &[3, 4], &frames(2), &[0]].concat());
    for (index, _) in bases().iter().enumerate() {
        write("file", &format!("sound-{index}"), &[index as u8, 1, 1]);
        write("file", &format!("changed-{index}"), &[&[index as u8, 1, 1][..], &noise(24)].concat());
    }
    for (name, shapes, sealed) in [("sound", 0, 3), ("two-keys", 3, 3), ("forged", 12, 3), ("torn", 4, 2)] {
        write("key_slots", name, &[&[shapes, sealed][..], &noise(60)].concat());
        write("encrypted_file", name, &[&[shapes, sealed][..], &noise(30)].concat());
    }
    write("encrypted_file", "unchanged", &[1, 1]);
}

#[test]
#[ignore = "it writes files"]
fn seeds_are_written() {
    write_parts();
    write_texts();
    write_workloads();
}
