//! Small changes of inputs, all of which follow from a seed.

/// Bytes that often matter: the ends of ranges, and what lengths, flags and JSON are made of.
const SPECIAL: [u8; 16] = [0, 1, 2, 3, 16, 17, 18, 0x7f, 0x80, 0xfe, 0xff, b'"', b'{', b']', b',', b'\\'];

fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
    (*seed >> 29) ^ (*seed >> 41)
}

fn below(seed: &mut u64, limit: usize) -> usize {
    (next(seed) % limit.max(1) as u64) as usize
}

/// A changed copy of `data`: a few bytes are set, added to, flipped, removed, repeated, or taken from `other`.
pub fn change(data: &[u8], other: &[u8], seed: u64) -> Vec<u8> {
    let mut seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut out = data.to_vec();
    for _ in 0..1 + below(&mut seed, 4) {
        let at = below(&mut seed, out.len());
        let len = below(&mut seed, (out.len() - at).min(24) + 1);
        match below(&mut seed, 8) {
            0 => out.insert(at, next(&mut seed) as u8),
            1 => drop(out.drain(at..at + len)),
            2 => {
                let part = out.get(at..at + len).unwrap_or_default().to_vec();
                out.splice(at..at, part);
            }
            3 if !other.is_empty() => {
                let from = below(&mut seed, other.len());
                let part = other.get(from..(from + len).min(other.len())).unwrap_or_default();
                out.splice(at..at, part.iter().copied());
            }
            operation => {
                let Some(byte) = out.get_mut(at) else { continue };
                match operation {
                    4 => *byte ^= 1 << below(&mut seed, 8),
                    5 => *byte = byte.wrapping_add(next(&mut seed) as u8 % 5).wrapping_sub(2),
                    6 => *byte = SPECIAL.get(below(&mut seed, SPECIAL.len())).copied().unwrap_or(0),
                    _ => *byte = next(&mut seed) as u8,
                }
            }
        }
    }
    out
}
