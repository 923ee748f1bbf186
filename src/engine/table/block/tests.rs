use super::builder::{BlockBuilder, RestartInterval};
use super::cursor::BlockCursor;
use super::guide::guide_to;
use super::*;

fn key(index: usize) -> Vec<u8> {
    format!("collection/{index:05}").into_bytes()
}

fn version(index: usize) -> Version {
    let value = (!index.is_multiple_of(7)).then(|| Bytes::from(format!("value {index}")));
    let expires_at = (index.is_multiple_of(3) && value.is_some()).then_some(1000 + index as u64);
    Version { seq: index as u64, value, expires_at }
}

fn block(count: usize) -> Block {
    let mut builder = BlockBuilder::new(RestartInterval::DATA);
    for index in 0..count {
        builder.push(&key(index), &version(index));
    }
    Block::new(builder.finish().into()).unwrap()
}

#[test]
fn restarts_that_are_no_entries_are_found() {
    let page = |restarts: &[u32]| {
        let mut builder = BlockBuilder::new(RestartInterval::DATA);
        (0..40).for_each(|index| builder.push(&key(index), &version(index)));
        let mut data = builder.finish();
        data.truncate(Block::new(data.clone().into()).unwrap().entries_end);
        restarts.iter().for_each(|restart| data.extend_from_slice(&restart.to_le_bytes()));
        data.extend_from_slice(&(restarts.len() as u32).to_le_bytes());
        BlockCursor::new(Block::new(data.into()).unwrap())
    };
    let sound = block(40);
    let restarts: Vec<_> = (0..3).map(|index| sound.restart(index).unwrap() as u32).collect();
    page(&restarts).check_restarts().unwrap();
    page(&restarts[..1]).check_restarts().unwrap();
    let mut second = BlockCursor::new(sound.clone());
    second.first().unwrap();
    second.advance().unwrap();
    // Descending, not the first one, in the middle of an entry, an entry that shares something, behind the entries.
    let wrong = [
        vec![0, restarts[2], restarts[1]],
        restarts[1..].to_vec(),
        vec![0, restarts[1] + 1],
        vec![0, second.offset as u32],
        vec![0, sound.entries_end as u32],
    ];
    for restarts in wrong {
        assert!(page(&restarts).check_restarts().is_err(), "{restarts:?}");
    }
}

#[test]
fn reads_what_was_written_in_both_directions() {
    for count in [1, 2, 15, 16, 17, 100] {
        let mut cursor = BlockCursor::new(block(count));
        cursor.first().unwrap();
        for index in 0..count {
            assert_eq!((cursor.key(), cursor.version()), (&key(index)[..], version(index)));
            cursor.advance().unwrap();
        }
        assert!(!cursor.valid());
        cursor.last().unwrap();
        for index in (0..count).rev() {
            assert_eq!((cursor.key(), cursor.version()), (&key(index)[..], version(index)));
            cursor.retreat().unwrap();
        }
        assert!(!cursor.valid());
    }
}

#[test]
fn seeks_by_key_and_sequence_number() {
    let mut cursor = BlockCursor::new(block(100));
    for index in 0..100 {
        cursor.seek(&key(index), u64::MAX).unwrap();
        assert_eq!(cursor.key(), key(index));
        cursor.seek(&key(index), index as u64).unwrap();
        assert_eq!(cursor.key(), key(index));
        if index > 0 {
            cursor.seek(&key(index), index as u64 - 1).unwrap();
            assert_eq!(cursor.valid().then(|| cursor.key().to_vec()), (index < 99).then(|| key(index + 1)));
        }
    }
    cursor.seek(b"a", 5).unwrap();
    assert_eq!(cursor.key(), key(0));
    cursor.seek(b"z", 5).unwrap();
    assert!(!cursor.valid());
}

#[test]
fn a_tombstone_with_an_expiry_is_damage() {
    let mut builder = BlockBuilder::new(RestartInterval::DATA);
    builder.push(&key(0), &Version { seq: 1, value: None, expires_at: Some(77) });
    let mut cursor = BlockCursor::new(Block::new(builder.finish().into()).unwrap());
    assert!(cursor.first().is_err());
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let whole = block(40).data;
    for index in 0..whole.len() {
        for change in [1, 0x80, 0xff] {
            let mut data = whole.to_vec();
            data[index] ^= change;
            let Ok(block) = Block::new(data.into()) else { continue };
            let mut cursor = BlockCursor::new(block);
            let _ = cursor.seek(&key(20), 20);
            let _ = cursor.last();
            let _ = cursor.retreat();
            let mut steps = 0;
            let mut more = cursor.first();
            while more.is_ok() && cursor.valid() && steps < 1000 {
                more = cursor.advance();
                steps += 1;
            }
            assert!(steps < 1000);
        }
    }
}

/// A page of these keys, in order; several versions of some.
fn versions_of(keys: &[Vec<u8>], interval: RestartInterval) -> Bytes {
    let mut builder = BlockBuilder::new(interval);
    for (index, key) in keys.iter().enumerate() {
        for seq in (1..=1 + index as u64 % 4).rev() {
            builder.push(key, &Version { seq, value: Some(Bytes::from_static(b"value")), expires_at: None });
        }
    }
    builder.finish().into()
}

#[test]
fn a_guide_changes_nothing_of_what_is_found() {
    let numbered =
        |front: &str, count: usize| (0..count).map(|index| format!("{front}{index:09}").into_bytes()).collect();
    let mut nested: Vec<Vec<u8>> = (0..40).map(|len| vec![0; len]).collect();
    nested.extend((0..40).map(|len| [&[7; 5][..], &vec![0; len], &[1]].concat()));
    nested.sort();
    let sets: [Vec<Vec<u8>>; 5] = [
        numbered("", 1),
        numbered("user:", 200),
        numbered("a far longer front:", 60),
        nested,
        vec![b"a".to_vec(), b"b".to_vec()],
    ];
    for keys in sets {
        for interval in [RestartInterval::DATA, RestartInterval::INDEX] {
            let payload = versions_of(&keys, interval);
            let plain = Block::new(payload.clone()).unwrap();
            let guide = guide_to(&payload);
            assert_eq!(guide.is_empty(), plain.restart_count() < 2);
            let guided = Block::of(TablePage { payload, guide }).unwrap();
            let cut = keys.iter().flat_map(|key| {
                [0, 1, key.len() / 2, key.len().saturating_sub(1)].map(|at| key[..at.min(key.len())].to_vec())
            });
            let longer = keys.iter().flat_map(|key| [0, 1, 255].map(|end| [&key[..], &[end]].concat()));
            for sought in keys.iter().cloned().chain(cut).chain(longer) {
                for seq in [0, 1, 2, 3, Seq::MAX] {
                    let place =
                        |block: &Block| block.search(&sought, seq).unwrap().map(|found| (found.offset, found.is_key));
                    assert_eq!(place(&guided), place(&plain), "{sought:?} at {seq}");
                }
            }
        }
    }
}

#[test]
fn what_is_damaged_has_no_guide() {
    let payload = versions_of(&(0..40).map(key).collect::<Vec<_>>(), RestartInterval::DATA);
    for index in 0..payload.len() {
        let mut data = payload.to_vec();
        data[index] ^= 0xff;
        let payload = Bytes::from(data);
        let guide = guide_to(&payload);
        let Ok(block) = Block::of(TablePage { payload, guide }) else { continue };
        let _ = block.search(&key(20), 20);
    }
    assert!(guide_to(&Bytes::from_static(b"no page")).is_empty());
}
