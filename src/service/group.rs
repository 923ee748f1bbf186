//! Runs the calls of a message. The writes between two barriers are one group: one write to the log and one flush.

use super::answer::{Answer, Mark};
use super::call::Call;
use super::dispatch;
use super::execution::Execution;
use super::operation::{Grouping, Operation, Receipt, Subject};
use crate::documents::Error;
use crate::documents::Result;
use crate::documents::database::receipt::LeftReceipt;
use crate::fs::File;

/// Calls of a message that share a write and a flush.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    /// Where their results begin.
    mark: Mark,
    /// The first of them.
    first: usize,
}

impl<F: File> Execution<'_, F> {
    /// Runs the call `at`, in the group or outside of it, as its verb demands. One that was made before is only answered.
    pub fn run(&mut self, calls: &[Call<'_>], at: usize, group: &mut Option<Group>, answer: &mut Answer) {
        let call = &calls[at];
        if let Some(result) = self.receipts.as_ref().and_then(|receipts| receipts.known(at)) {
            return answer.again(result);
        }
        let grouping = self.grouping(call);
        match grouping {
            Grouping::Read => {}
            Grouping::Write if group.is_some() => {}
            Grouping::Write => *group = Some(self.begin(at, answer)),
            Grouping::Barrier => self.finish(calls, at, group, answer),
            Grouping::OwnFlush => {
                self.finish(calls, at, group, answer);
                *group = Some(self.begin(at, answer));
            }
        }
        let mark = answer.mark();
        if let Err(error) = self.attempt(calls, at, answer) {
            self.fail(calls, at, group, answer, (mark, error));
        }
        self.settle(call);
        if grouping == Grouping::OwnFlush {
            self.finish(calls, at + 1, group, answer);
        }
    }

    /// The call `at` has failed with an error. On a full disk it is tried again behind the group that is open: memory can be
    /// written out to make room, but only between groups.
    #[cold]
    #[inline(never)]
    fn fail(
        &mut self,
        calls: &[Call<'_>],
        at: usize,
        group: &mut Option<Group>,
        answer: &mut Answer,
        (mark, error): (Mark, Error),
    ) {
        if !matches!(error, Error::StorageFull { .. }) || group.is_none_or(|group| group.first >= at) {
            return answer.fail(mark, &error);
        }
        answer.restore(mark);
        self.finish(calls, at, group, answer);
        *group = Some(self.begin(at, answer));
        let mark = answer.mark();
        if let Err(error) = self.attempt(calls, at, answer) {
            answer.fail(mark, &error);
        }
    }

    /// Returns how a call shares the group. Bytes in parts get another expiry by commits of their own.
    fn grouping(&self, call: &Call<'_>) -> Grouping {
        let Some(operation) = call.operation else { return Grouping::Read };
        if matches!(operation, Operation::Expire | Operation::Persist) {
            let documents = self.database.named(&call.collection);
            if call.key().and_then(|key| documents.has_bytes_in_parts(&key)).is_ok_and(|is_in_parts| is_in_parts) {
                return Grouping::OwnFlush;
            }
        }
        operation.grouping()
    }

    /// True if the call commits a transaction that has nothing to write.
    fn only_reads(&self, call: &Call<'_>) -> bool {
        call.parse(0).is_ok_and(|id| self.client.transactions.only_reads(id))
    }

    /// Notes the transaction that a call has ended, once the call is not repeated.
    fn settle(&mut self, call: &Call<'_>) {
        if call.operation == Some(Operation::TxCommit)
            && let Ok(id) = call.parse(0)
        {
            self.client.transactions.settle(id);
        }
    }

    fn begin(&mut self, first: usize, answer: &Answer) -> Group {
        self.database.begin_group();
        Group { mark: answer.mark(), first }
    }

    /// Runs the call `at`, if its client may.
    fn attempt(&mut self, calls: &[Call<'_>], at: usize, answer: &mut Answer) -> Result<()> {
        let call = &calls[at];
        if let Some(operation) = call.operation {
            if !(operation == Operation::TxCommit && self.only_reads(call)) {
                self.client.permit(operation)?;
            }
            if operation.subject() != Subject::None
                && let Ok(number) = call.parse(0)
            {
                self.client.ensure_not_lost(operation, number)?;
            }
        }
        let is_first = call.operation.is_some_and(|operation| operation.receipt() == Receipt::WithFirstCommit);
        match &mut self.receipts {
            Some(receipts) if is_first => {
                let mut receipt = receipts.next_and(calls, at, answer, b"[0,true]");
                receipt.acknowledged = self.client.ledger.acknowledged();
                let (left, deleted) = (receipt.left(), receipt.acknowledged.len());
                self.database.accompany(receipt);
                let outcome = dispatch::run(self, call, answer);
                let was_left = self.database.accompany_no_more();
                if was_left
                    && outcome.is_ok()
                    && let Some(receipts) = &mut self.receipts
                {
                    receipts.left(at + 1);
                    self.client.ledger.settle(left, deleted);
                }
                outcome
            }
            _ => dispatch::run(self, call, answer),
        }
    }

    /// Writes and flushes the group that is open, and ends before the call `end`. When that fails, nothing of it was kept,
    /// and so have all of its calls failed; but where there is no room for all of them, they are made one by one.
    pub fn finish(&mut self, calls: &[Call<'_>], end: usize, group: &mut Option<Group>, answer: &mut Answer) {
        let Some(Group { mark, first }) = group.take() else { return };
        let receipt = self.leave_receipt(calls, end, answer);
        match self.database.finish_group() {
            Ok(()) => {
                if let (Some(receipts), Some((left, deleted))) = (&mut self.receipts, receipt) {
                    receipts.left(end);
                    self.client.ledger.settle(left, deleted);
                }
            }
            Err(error) => self.fail_group((calls, first, end), answer, mark, &error),
        }
        self.client.transactions.end_settled(self.database);
    }

    /// Finishing the group of the calls from `first` to `end` has failed.
    #[cold]
    #[inline(never)]
    fn fail_group(
        &mut self,
        (calls, first, end): (&[Call<'_>], usize, usize),
        answer: &mut Answer,
        mark: Mark,
        error: &Error,
    ) {
        if !matches!(error, Error::StorageFull { .. }) || end - first <= 1 {
            return answer.fail_since(mark, error);
        }
        answer.restore(mark);
        self.client.transactions.reopen();
        for at in first..end {
            let mut alone = None;
            self.run(calls, at, &mut alone, answer);
            self.finish(calls, at + 1, &mut alone, answer);
        }
    }

    /// Adds a receipt to the group, if it has written anything; what was left, and how many are deleted with it. When that
    /// fails, finishing the group will.
    fn leave_receipt(
        &mut self,
        calls: &[Call<'_>],
        end: usize,
        answer: &Answer,
    ) -> Option<(Option<LeftReceipt>, usize)> {
        let receipts = self.receipts.as_ref().filter(|_| self.database.has_unwritten())?;
        let mut receipt = receipts.next(calls, end, answer);
        receipt.acknowledged = self.client.ledger.acknowledged();
        self.database.leave_receipt(&receipt).ok()?;
        Some((receipt.left(), receipt.acknowledged.len()))
    }
}
