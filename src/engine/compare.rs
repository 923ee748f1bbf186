//! Comparing keys, a word at a time: what compilers make of slices goes byte by byte in wasm.

use std::cmp::Ordering;

const WORD: usize = 8;

/// How many bytes two keys have in common at their front.
#[inline]
pub(super) fn common_len(a: &[u8], b: &[u8]) -> usize {
    let len = a.len().min(b.len());
    let (a, b) = (&a[..len], &b[..len]);
    let (a_words, a_rest) = a.as_chunks::<WORD>();
    let (b_words, b_rest) = b.as_chunks::<WORD>();
    for (index, (a, b)) in a_words.iter().zip(b_words).enumerate() {
        let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differing != 0 {
            return WORD * index + differing.trailing_zeros() as usize / 8;
        }
    }
    WORD * a_words.len() + a_rest.iter().zip(b_rest).take_while(|(a, b)| a == b).count()
}

/// How two keys are ordered: as slices are.
#[inline]
pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let common = common_len(a, b);
    match (a.get(common), b.get(common)) {
        (Some(a), Some(b)) => a.cmp(b),
        _ => a.len().cmp(&b.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_slices_are() {
        let base: Vec<u8> = (0..40).map(|index: u8| index.wrapping_mul(7)).collect();
        let mut keys = vec![Vec::new()];
        for len in 0..base.len() {
            keys.push(base[..len].to_vec());
            for change in [1, 128] {
                let mut key = base.clone();
                key[len] = key[len].wrapping_add(change);
                key.truncate(len + 1 + usize::from(change) % 9);
                keys.push(key);
            }
        }
        for a in &keys {
            for b in &keys {
                assert_eq!(compare(a, b), a.cmp(b), "{a:?} {b:?}");
                let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
                assert_eq!(common_len(a, b), common, "{a:?} {b:?}");
            }
        }
    }
}
