//! The parts of a copy of the file besides its tables.

use std::sync::Arc;

use super::Volume;
use crate::fs::File;
use crate::page::aead_seal::AeadSeal;
use crate::page::error::Result;
use crate::page::layout::{HEADER_LEN, KEY_SLOT_LEN, KEY_SLOTS_ADDRESS, SLOT_LEN};
use crate::page::seal::Seal;
use crate::page::superblock::Superblock;

impl<F: File> Volume<F> {
    /// A seal that opens what is in the file now, also after its keys have changed.
    pub fn seal_of_now(&self) -> Box<dyn Seal + Send> {
        match &self.aead {
            Some(seal) => Box::new(AeadSeal::new(seal.keyring().clone(), Arc::clone(&self.environment))),
            None => Box::new(self.checksum),
        }
    }

    /// All that lies before the grid, for a file whose root is `superblock`: in two copies, and in two more under the next
    /// number, as a file has them that is in use. Nobody owns it. What opens it is what opens this file now.
    pub fn copied_header(&self, superblock: &Superblock) -> Result<Vec<u8>> {
        let mut header = vec![0; HEADER_LEN as usize];
        let next = Superblock { sequence: superblock.sequence + 1, ..superblock.clone() };
        for superblock in [superblock, &next] {
            let slot = superblock.encode(self.aead.as_ref());
            for copy in 0..2 {
                let at = superblock.slot_address(copy) as usize;
                header[at..at + SLOT_LEN].copy_from_slice(&slot);
            }
        }
        if let Some(keyring) = self.keyring() {
            let slots = keyring.slot(&self.file, &*self.environment)?.repeat(2);
            let at = KEY_SLOTS_ADDRESS as usize;
            header[at..at + 2 * KEY_SLOT_LEN].copy_from_slice(&slots);
        }
        Ok(header)
    }
}
