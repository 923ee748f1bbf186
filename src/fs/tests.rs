//! What every file system of this crate does alike.

use pollster::block_on;

use super::memory::Memory;
use super::simulated::Simulated;
#[cfg(any(unix, target_os = "wasi"))]
use super::standard::Std;
use super::{Error, File, FileSystem, OpenMode, check_name, read_full, write_full};

/// Makes a module with every test of this file, run by `$with` on a fresh file system.
macro_rules! on_file_system {
    ($module:ident, $with:path) => {
        mod $module {
            #[test]
            fn opens_by_mode() {
                $with(super::opens_by_mode);
            }

            #[test]
            fn reads_what_was_written() {
                $with(super::reads_what_was_written);
            }

            #[test]
            fn grows_with_zeros() {
                $with(super::grows_with_zeros);
            }

            #[test]
            fn read_only_refuses_writes() {
                $with(super::read_only_refuses_writes);
            }

            #[test]
            fn removes_and_lists() {
                $with(super::removes_and_lists);
            }

            #[test]
            fn bad_names_are_refused() {
                $with(super::bad_names_are_refused);
            }
        }
    };
}

on_file_system!(memory, super::with_memory);
on_file_system!(simulated, super::with_simulated);
#[cfg(any(unix, target_os = "wasi"))]
on_file_system!(standard, super::with_standard);

fn with_memory(test: impl FnOnce(&Memory)) {
    test(&Memory::new());
}

fn with_simulated(test: impl FnOnce(&Simulated)) {
    test(&Simulated::new(1));
}

/// Runs a test in a fresh directory, which is removed when it passes. WASI has no temporary directory: there it is in
/// the current one.
#[cfg(any(unix, target_os = "wasi"))]
fn with_standard(test: impl FnOnce(&Std)) {
    let parent = if cfg!(target_os = "wasi") { "target".into() } else { std::env::temp_dir() };
    let mut random = [0; 8];
    getrandom::fill(&mut random).unwrap();
    let directory = parent.join(format!("ferrolite-{:016x}", u64::from_le_bytes(random)));
    std::fs::create_dir_all(&directory).unwrap();
    test(&Std::new(&directory));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn memory_locks() {
    with_memory(locks_writers_out);
}

#[test]
fn simulated_locks() {
    with_simulated(locks_writers_out);
}

/// WASI has no locks.
#[cfg(unix)]
#[test]
fn standard_locks() {
    with_standard(locks_writers_out);
}

#[cfg(any(unix, target_os = "wasi"))]
#[test]
fn standard_opens_nothing_but_files() {
    with_standard(|fs| {
        std::fs::create_dir(fs.directory().join("directory")).unwrap();
        for mode in [OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create] {
            let error = block_on(fs.open("directory", mode)).unwrap_err();
            assert_eq!(error.to_string(), "open failed: directory is a directory, not a file");
        }
        assert!(matches!(block_on(fs.remove("directory")), Err(Error::Io { .. })));
        assert_eq!(block_on(fs.list()), Ok(vec![]));
    });
}

#[cfg(any(unix, target_os = "wasi"))]
#[test]
fn standard_needs_its_directory() {
    with_standard(|fs| {
        let missing = Error::NotFound { name: "missing/a".to_string() };
        assert_eq!(block_on(fs.open("missing/a", OpenMode::Create)).err(), Some(missing));
        std::fs::create_dir(fs.directory().join("missing")).unwrap();
        let file = block_on(fs.open("missing/a", OpenMode::Create)).unwrap();
        write_full(&file, b"there", 0).unwrap();
        let below = Std::new(fs.directory().join("missing"));
        assert_eq!(block_on(below.list()).unwrap(), ["a"]);
        drop(file);
        // A path below a file is as missing as one below nothing.
        let missing = Error::NotFound { name: "missing/a/b".to_string() };
        assert_eq!(block_on(fs.open("missing/a/b", OpenMode::Create)).err(), Some(missing));
    });
}

#[test]
fn memory_bytes_are_shared_with_openers() {
    let fs = Memory::new();
    assert_eq!(fs.bytes("a"), None);
    fs.set_bytes("a", b"one".to_vec());
    let file = block_on(fs.open("a", OpenMode::ReadWrite)).unwrap();
    assert_eq!(content(&file), b"one");
    write_full(&file, b"O", 0).unwrap();
    assert_eq!(fs.clone().bytes("a"), Some(b"One".to_vec()));
}

#[test]
fn memory_reports_a_length_that_it_cannot_hold() {
    let fs = Memory::new();
    let file = block_on(fs.open("a", OpenMode::Create)).unwrap();
    assert!(matches!(file.truncate(u64::MAX), Err(Error::StorageFull { .. })));
    assert!(matches!(file.write_at(b"x", u64::MAX), Err(Error::StorageFull { .. })));
    assert_eq!(file.len(), Ok(0));
}

#[test]
fn names_are_relative_and_spelled_in_one_way() {
    for name in ["a", "a.b", "a/b", "..a", "a/...", "\u{fc}/ "] {
        assert_eq!(check_name(name), Ok(()), "{name:?}");
    }
    for name in ["", "/a", "a\0", "..", "a/../b", "a/", "a//b", ".", "./a"] {
        assert!(matches!(check_name(name), Err(Error::InvalidName { .. })), "{name:?}");
    }
}

fn content(file: &impl File) -> Vec<u8> {
    let mut buffer = vec![0; file.len().unwrap() as usize + 1];
    let count = read_full(file, &mut buffer, 0).unwrap();
    buffer.truncate(count);
    buffer
}

fn opens_by_mode(fs: &impl FileSystem) {
    for mode in [OpenMode::ReadOnly, OpenMode::ReadWrite] {
        let result = block_on(fs.open("a", mode)).map(drop);
        assert_eq!(result, Err(Error::NotFound { name: "a".to_string() }));
    }
    let file = block_on(fs.open("a", OpenMode::Create)).unwrap();
    assert_eq!(file.is_empty(), Ok(true));
    write_full(&file, b"kept", 0).unwrap();
    drop(file);
    for mode in [OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create] {
        assert_eq!(content(&block_on(fs.open("a", mode)).unwrap()), b"kept", "{mode:?}");
    }
}

fn reads_what_was_written(fs: &impl FileSystem) {
    let file = block_on(fs.open("a", OpenMode::Create)).unwrap();
    write_full(&file, b"0123456789", 0).unwrap();
    write_full(&file, b"abc", 4).unwrap();
    write_full(&file, b"", 100).unwrap();
    assert_eq!(file.len(), Ok(10));
    assert_eq!(content(&file), b"0123abc789");
    let mut buffer = [0; 4];
    assert_eq!(read_full(&file, &mut buffer, 8), Ok(2));
    assert_eq!(&buffer[..2], b"89");
    assert_eq!(file.read_at(&mut buffer, 10), Ok(0));
    assert_eq!(file.read_at(&mut buffer, 1 << 40), Ok(0));
    file.sync().unwrap();
    assert_eq!(content(&file), b"0123abc789");
}

fn grows_with_zeros(fs: &impl FileSystem) {
    let file = block_on(fs.open("a", OpenMode::Create)).unwrap();
    write_full(&file, b"abcdef", 0).unwrap();
    file.truncate(2).unwrap();
    file.truncate(4).unwrap();
    assert_eq!(content(&file), b"ab\0\0");
    write_full(&file, b"z", 6).unwrap();
    assert_eq!(content(&file), b"ab\0\0\0\0z");
    file.truncate(0).unwrap();
    assert_eq!(file.is_empty(), Ok(true));
}

fn read_only_refuses_writes(fs: &impl FileSystem) {
    drop(block_on(fs.open("a", OpenMode::Create)).unwrap());
    let file = block_on(fs.open("a", OpenMode::ReadOnly)).unwrap();
    let refused = Error::ReadOnly { name: "a".to_string() };
    assert_eq!(file.write_at(b"x", 0), Err(refused.clone()));
    assert_eq!(file.truncate(1), Err(refused));
    assert_eq!(file.len(), Ok(0));
}

fn removes_and_lists(fs: &impl FileSystem) {
    let missing = Error::NotFound { name: "a".to_string() };
    assert_eq!(block_on(fs.remove("a")), Err(missing));
    for name in ["b", "a"] {
        drop(block_on(fs.open(name, OpenMode::Create)).unwrap());
    }
    let mut names = block_on(fs.list()).unwrap();
    names.sort();
    assert_eq!(names, ["a", "b"]);
    block_on(fs.remove("a")).unwrap();
    assert_eq!(block_on(fs.list()).unwrap(), ["b"]);
}

fn bad_names_are_refused(fs: &impl FileSystem) {
    for name in ["", "../a", "/tmp/a", "a\0b"] {
        let opened = block_on(fs.open(name, OpenMode::Create)).map(drop);
        assert!(matches!(opened, Err(Error::InvalidName { .. })), "{name:?}: {opened:?}");
        let removed = block_on(fs.remove(name));
        assert!(matches!(removed, Err(Error::InvalidName { .. })), "{name:?}: {removed:?}");
    }
}

fn locks_writers_out(fs: &impl FileSystem) {
    let open = |mode| block_on(fs.open("a", mode));
    let locked = Some(Error::Locked { name: "a".to_string() });

    let writer = open(OpenMode::Create).unwrap();
    for mode in [OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create] {
        assert_eq!(open(mode).err(), locked, "{mode:?} beside a writer");
    }
    drop(writer);

    let readers = (open(OpenMode::ReadOnly).unwrap(), open(OpenMode::ReadOnly).unwrap());
    assert_eq!(open(OpenMode::ReadWrite).err(), locked);
    drop(readers.0);
    assert_eq!(open(OpenMode::ReadWrite).err(), locked);
    drop(readers.1);
    let writer = open(OpenMode::ReadWrite).unwrap();
    assert_eq!(block_on(fs.remove("a")).err(), locked);
    drop(writer);
    block_on(fs.remove("a")).unwrap();
}
