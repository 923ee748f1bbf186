//! Which versions of a key outlive a flush or a compaction.

use super::entry::{Clock, Seq, Version};

/// The versions that may still be read.
#[derive(Debug, Clone)]
pub(crate) struct Retention {
    /// Sequence numbers of live snapshots, ascending.
    pub(crate) snapshots: Vec<Seq>,
    /// Entries that expired by this clock are as good as deleted.
    pub(crate) clock: Clock,
}

impl Retention {
    /// Reduces the versions of one key, newest first, to those that a reader may still see. `may_exist_below` tells
    /// whether an older version may lie where this pass does not look; only then must a tombstone stay.
    pub(crate) fn reduce(&self, versions: &mut Vec<Version>, may_exist_below: impl FnOnce() -> bool) {
        let mut newer: Option<Seq> = None;
        versions.retain_mut(|version| {
            let is_needed = newer.is_none_or(|newer| self.snapshot_between(version.seq, newer));
            newer = Some(version.seq);
            if is_needed && self.clock.is_expired(version.expires_at, version.seq) {
                version.value = None;
                version.expires_at = None;
            }
            is_needed
        });
        // A tombstone at the end hides nothing of its own pass: it matters only for what lies below.
        if versions.last().is_some_and(|oldest| oldest.value.is_none()) && !may_exist_below() {
            while versions.last().is_some_and(|oldest| oldest.value.is_none()) {
                versions.pop();
            }
        }
    }

    /// True if a snapshot sees the version `seq`, which `newer` follows.
    pub(crate) fn snapshot_between(&self, seq: Seq, newer: Seq) -> bool {
        let index = self.snapshots.partition_point(|&snapshot| snapshot < seq);
        self.snapshots.get(index).is_some_and(|&snapshot| snapshot < newer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::ExpiryHorizon;

    fn version(seq: Seq, value: Option<&'static str>, expires_at: Option<u64>) -> Version {
        Version { seq, value: value.map(Into::into), expires_at }
    }

    fn reduce(snapshots: &[Seq], mut versions: Vec<Version>, below: bool) -> Vec<(Seq, bool)> {
        let clock = Clock { now_ms: 100, horizon: ExpiryHorizon::default() };
        Retention { snapshots: snapshots.to_vec(), clock }.reduce(&mut versions, || below);
        versions.iter().map(|version| (version.seq, version.value.is_some())).collect()
    }

    #[test]
    fn only_the_newest_and_what_snapshots_see_stays() {
        let versions = || vec![version(9, Some("c"), None), version(5, Some("b"), None), version(2, Some("a"), None)];
        assert_eq!(reduce(&[], versions(), true), [(9, true)]);
        assert_eq!(reduce(&[9], versions(), true), [(9, true)]);
        assert_eq!(reduce(&[8], versions(), true), [(9, true), (5, true)]);
        assert_eq!(reduce(&[2, 3, 4], versions(), true), [(9, true), (2, true)]);
        assert_eq!(reduce(&[1], versions(), true), [(9, true)]);
    }

    #[test]
    fn tombstones_stay_while_something_may_lie_below() {
        let versions = || vec![version(9, None, None), version(5, Some("b"), None)];
        assert_eq!(reduce(&[], versions(), true), [(9, false)]);
        assert_eq!(reduce(&[], versions(), false), []);
        assert_eq!(reduce(&[6], versions(), false), [(9, false), (5, true)]);
    }

    #[test]
    fn what_expired_is_deleted() {
        assert_eq!(reduce(&[], vec![version(3, Some("a"), Some(100))], true), [(3, false)]);
        assert_eq!(reduce(&[], vec![version(3, Some("a"), Some(100))], false), []);
        assert_eq!(reduce(&[], vec![version(3, Some("a"), Some(101))], false), [(3, true)]);
    }
}
