//! Every length that a file can be cut off to.

use crate::samples::Sample;
use crate::sweep::{Sweep, alone, share};

#[test]
fn a_file_that_was_cut_off_is_told_or_whole() {
    let _alone = alone();
    for sample in Sample::all() {
        let mut sweep = Sweep::new(&sample);
        let share = share(401, 2003);
        for len in 0..sample.bytes.len() {
            // Near the ends of things in any form.
            if len % share != 0 && (len + 1) % 4096 > 2 {
                continue;
            }
            sweep.image.cut(len);
            sweep.try_damage(&[len..sample.bytes.len()], || format!("cut off at {len}"));
        }
        sweep.report("lengths");
    }
}
