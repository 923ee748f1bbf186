//! A blocked Bloom filter: each key sets seven bits inside one 64-byte block, so that a lookup touches one cache
//! line (Putze, Sanders, Singler: "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
//!
//! Page payload: `u8` filter kind (1), then the blocks. At 10 bits a key about one lookup in a hundred for an absent
//! key is answered wrongly with "maybe".

use xxhash_rust::xxh3::xxh3_64;

const KIND_BLOCKED_BLOOM: u8 = 1;
const BLOCK: usize = 64;
const BITS_PER_KEY: usize = 10;
const PROBES: u32 = 7;

/// The hash of a key that filters use.
pub(crate) fn hash(key: &[u8]) -> u64 {
    xxh3_64(key)
}

fn probes(hash: u64) -> impl Iterator<Item = (usize, u8)> {
    // The block is chosen by the high bits, the probes by the low ones.
    let mut state = (hash as u32).wrapping_mul(0x9E37_79B9) | 1;
    (0..PROBES).map(move |_| {
        let bit = (state >> 23) as usize;
        state = state.wrapping_mul(0x9E37_79B9);
        (bit / 8, 1 << (bit % 8))
    })
}

fn block_index(hash: u64, blocks: usize) -> usize {
    (((hash >> 32) * blocks as u64) >> 32) as usize
}

/// The payload of a filter page for keys with these hashes.
pub(super) fn build(hashes: &[u64]) -> Vec<u8> {
    let blocks = (hashes.len() * BITS_PER_KEY).div_ceil(BLOCK * 8).max(1);
    let mut out = vec![0; 1 + blocks * BLOCK];
    out[0] = KIND_BLOCKED_BLOOM;
    for &hash in hashes {
        let start = 1 + block_index(hash, blocks) * BLOCK;
        for (byte, bit) in probes(hash) {
            out[start + byte] |= bit;
        }
    }
    out
}

/// True if a key with this hash may be in the table. A filter of an unknown kind says yes.
pub(super) fn may_contain(filter: &[u8], hash: u64) -> bool {
    let Some((&KIND_BLOCKED_BLOOM, bits)) = filter.split_first() else { return true };
    let start = block_index(hash, bits.len() / BLOCK) * BLOCK;
    let Some(block) = bits.get(start..start + BLOCK) else { return true };
    probes(hash).all(|(byte, bit)| block.get(byte).is_some_and(|&found| found & bit != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_no_false_negatives_and_few_false_positives() {
        for count in [1, 10, 1000, 50_000] {
            let hashes: Vec<u64> = (0..count).map(|i: u32| hash(&i.to_le_bytes())).collect();
            let filter = build(&hashes);
            assert!(hashes.iter().all(|&hash| may_contain(&filter, hash)));
            let wrong = (0..10_000_u32).filter(|i| may_contain(&filter, hash(&(i + 1_000_000).to_le_bytes()))).count();
            assert!(wrong < 300, "{wrong} of 10,000 absent keys among {count}");
        }
    }

    #[test]
    fn odd_filters_say_maybe() {
        for filter in [&[][..], &[9, 0, 0], &[1], &[1, 0, 0]] {
            assert!(may_contain(filter, 5));
        }
    }
}
