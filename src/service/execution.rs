//! The execution of one message: everything that a handler works with.

use super::answer::Answer;
use super::call::Attachments;
use super::client::Client;
use super::receipts::Receipts;
use super::tasks::{Task, Tasks};
use crate::documents::{Database, Result};
use crate::fs::File;

/// The execution of one message.
pub(crate) struct Execution<'a, F: File> {
    pub database: &'a mut Database<F>,
    pub client: &'a mut Client,
    pub client_number: u32,
    pub tasks: &'a mut Tasks,
    /// The message's attachments.
    pub attachments: Attachments<'a>,
    /// The message's receipts; `None` if its client leaves none.
    pub receipts: Option<Receipts>,
}

impl<F: File> Execution<'_, F> {
    /// Begins work that comes in slices, under the name that the client gives it.
    pub fn start(&mut self, task: Task, name: Option<u64>, answer: &mut Answer) -> Result<()> {
        self.tasks.start(self.database, (self.client_number, &mut self.client.numbers), task, name, answer)
    }
}
