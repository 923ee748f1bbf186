//! What a fuzzer calls of watches.

use super::change::CommitNotes;

/// A part of an entry of the change history: what is read of it is written again so that it is read as the same.
pub fn journal(data: &[u8]) {
    let Some((version, part)) = data.split_first() else { return };
    let version = u64::from(*version) << 8;
    let Some((notes, previous)) = CommitNotes::decode(version, part) else { return };
    let mut again = CommitNotes { notes: Vec::new(), ..notes.clone() };
    for part in notes.encode(previous) {
        let (read, named) = CommitNotes::decode(version, &part).expect("it was written so");
        assert_eq!((read.version, read.time_ms, named), (notes.version, notes.time_ms, previous));
        again.notes.extend(read.notes);
    }
    assert_eq!(again, notes);
}
