//! Where things are in the file. `docs/format.md` is the normative description.

/// Bytes before the grid.
pub const HEADER_LEN: u64 = 64 * 1024;
/// The grid's unit of allocation. Large enough that a map of the file stays small, small enough that an index of a
/// few entries does not waste much.
pub const BLOCK_LEN: u64 = 64 * 1024;
/// The format this code reads and writes.
pub const FORMAT_VERSION: u32 = 1;
/// First bytes of every superblock slot.
pub(super) const MAGIC: [u8; 8] = *b"FERROLT\n";

/// Length of a superblock slot; one flash page, and the unit in which operating systems cache files.
pub(super) const SLOT_LEN: usize = 4096;
/// Number of superblock slots: two for each of two superblocks.
pub(super) const SLOT_COUNT: u64 = 4;
/// Address of the first of the two key slots.
pub(super) const KEY_SLOTS_ADDRESS: u64 = 16 * 1024;
/// Length of a key slot.
pub(super) const KEY_SLOT_LEN: usize = 4096;
/// Address of the owner record.
pub(super) const OWNER_ADDRESS: u64 = 24 * 1024;
/// Length of a page's header.
pub const PAGE_HEADER_LEN: usize = 64;
/// Pages begin at multiples of this inside their extent.
pub(super) const PAGE_ALIGNMENT: u64 = 64;

/// The smallest multiple of `alignment` (a power of two) that is not below `value`.
pub const fn align_up(value: u64, alignment: u64) -> u64 {
    (value + alignment - 1) & !(alignment - 1)
}
