//! Answers messages against one database, and does its background work.

use super::answer::Answer;
use super::call::{self, not_understood};
use super::client::Client;
use super::execution::Execution;
use super::numbers::MESSAGE_MAX;
use super::operation::Operation;
use super::receipts::{Departed, Receipts};
use super::tasks::Tasks;
use crate::crypto::Encryption;
use crate::documents::{Database, Error, Result, Stats};
use crate::fs::File;
use std::collections::BTreeMap;
use std::time::Duration;
#[cfg(any(test, js))]
use zeroize::Zeroizing;

/// The client that is there from the beginning. It has no id.
pub(crate) const FIRST: u32 = 0;

/// The time after the end of an engine in which its clients' watches can continue at another engine.
const WATCHES_SPAN_MS: u64 = 300_000;

/// An open database and what its clients have under way.
pub(crate) struct Service<F: File> {
    /// `None` once it was closed.
    database: Option<Database<F>>,
    clients: BTreeMap<u32, Client>,
    last_client: u32,
    tasks: Tasks,
    departed: Departed,
}

/// A message, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub client: u32,
    /// Of the client's messages; of the first client's without meaning.
    pub number: u64,
    /// True if another engine may have got it before.
    pub is_repeated: bool,
    /// The client has the answers of all messages with smaller numbers.
    pub answered: u64,
    pub bytes: &'a [u8],
}

impl<F: File> Service<F> {
    pub fn new(database: Database<F>) -> Self {
        let clients = BTreeMap::from([(FIRST, Client::default())]);
        Self {
            database: Some(database),
            clients,
            last_client: FIRST,
            tasks: Tasks::default(),
            departed: Departed::default(),
        }
    }

    /// Another client; gives its number.
    pub fn join(&mut self, id: [u8; 16], is_read_only: bool) -> u32 {
        self.departed.returned(id);
        self.add(Client::new(id, is_read_only))
    }

    /// Adds a client in the thread of the engine; returns its number.
    pub fn join_locally(&mut self, is_read_only: bool) -> u32 {
        self.add(Client::local(is_read_only))
    }

    fn add(&mut self, client: Client) -> u32 {
        self.last_client += 1;
        self.clients.insert(self.last_client, client);
        self.last_client
    }

    /// Removes a client, and releases everything that it has open.
    pub fn leave(&mut self, client: u32) {
        self.tasks.leave(client);
        if let Some(mut client) = self.clients.remove(&client)
            && let Some(database) = &mut self.database
        {
            if let Some(id) = client.id {
                self.departed.add(id, std::mem::take(&mut client.ledger));
            }
            client.release(database);
        }
    }

    /// Answers a message.
    ///
    /// # Errors
    /// `Internal` when it is not a message, or of nobody; `Corrupt` or `Io` when it cannot be found out whether it was answered
    /// before. What a call meets is in the answer.
    pub fn execute(&mut self, message: Message<'_>) -> Result<Vec<u8>> {
        let (calls, attachments) = call::parse(message.bytes)?;
        let Some(database) = &mut self.database else {
            return Ok(answer_closed(calls.len()));
        };
        let mut answer = Answer::default();
        let client = self.clients.get_mut(&message.client).ok_or_else(no_client)?;
        let receipts = receipts_of(database, client, message)?;
        let (client_number, tasks) = (message.client, &mut self.tasks);
        let mut execution = Execution { database, client, client_number, tasks, attachments, receipts };
        let mut group = None;
        for at in 0..calls.len() {
            execution.run(&calls, at, &mut group, &mut answer);
        }
        execution.finish(&calls, calls.len(), &mut group, &mut answer);
        Ok(answer.finish())
    }

    /// True if tasks have slices left, or a waiting watch has changes.
    pub fn has_tasks(&self) -> bool {
        let Some(database) = &self.database else { return false };
        let is_any = |client: &Client| !client.ended.is_empty() || client.watches.are_ready(database);
        self.tasks.are_waiting() || self.clients.values().any(is_any)
    }

    /// Answers who waits for changes, or does one slice of a task: whose it is, and its answer, when it was the last one.
    pub fn step(&mut self) -> Option<(u32, Vec<u8>)> {
        let database = self.database.as_mut()?;
        let told = self.clients.iter_mut().find_map(|(number, client)| {
            let answer = client.ended.pop().or_else(|| client.watches.step(database))?;
            Some((*number, answer))
        });
        told.or_else(|| self.tasks.step(database))
    }

    /// Keeps changes so that watches can continue at another engine. `is_successor`: this engine continues for an earlier one.
    pub fn keep_changes(&mut self, is_successor: bool) {
        if let Some(database) = &mut self.database {
            database.keep_changes_while_watched(WATCHES_SPAN_MS, is_successor);
        }
    }

    /// Returns, of each watch of a client that waits, its number and its last delivered version, if that version has changed.
    pub fn watches_passed(&mut self, client: u32) -> Vec<(u64, u64)> {
        self.clients.get_mut(&client).map_or_else(Vec::new, |client| client.watches.passed())
    }

    /// Does one slice of maintenance; whether there is more.
    pub fn maintain(&mut self, budget_bytes: usize) -> Result<bool> {
        let Some(database) = &mut self.database else { return Ok(false) };
        if !database.is_read_only() {
            for client in self.clients.values_mut() {
                client.ledger.tidy(database)?;
            }
            self.departed.tidy(database)?;
        }
        database.maintain(budget_bytes)
    }

    /// How long until [`Service::sync`] has something to flush, or something expires that somebody waits for.
    pub fn next_sync(&self) -> Option<Duration> {
        let database = self.database.as_ref()?;
        let expiries = self.clients.values().filter_map(|client| client.watches.next_expiry(database));
        database.next_tick().into_iter().chain(expiries).min()
    }

    /// Flushes what periodic durability has put off, if its time has come.
    pub fn sync(&mut self) -> Result<()> {
        self.database.as_mut().map_or(Ok(()), Database::tick)
    }

    /// The next bytes of an export of a client; `None` behind the last ones.
    pub fn export_chunk(&mut self, client: u32, number: u64) -> Result<Option<Vec<u8>>> {
        let database = self.database.as_mut().ok_or(Error::Closed)?;
        let client = self.clients.get_mut(&client).ok_or_else(no_client)?;
        client.permit(Operation::ExportChunk)?;
        client.ensure_not_lost(Operation::ExportChunk, number)?;
        client.exports.next(database, number)
    }

    /// Returns the terms of letters, the messages that a closing page leaves: the file's id (16 bytes), the time up to which receipts
    /// may have been dropped (u64, milliseconds), and in an encrypted file a key for letters (32 bytes).
    #[cfg(any(test, js))]
    pub fn letter_terms(&self) -> Result<Zeroizing<Vec<u8>>> {
        self.database.as_ref().ok_or(Error::Closed)?.letter_terms()
    }

    /// Fails unless the database can be opened by this; without it, unless nothing is needed for that.
    #[cfg(any(test, js))]
    pub fn opens(&self, encryption: Option<&Encryption>) -> Result<()> {
        self.database.as_ref().ok_or(Error::Closed)?.ensure_opened_by(encryption)
    }

    /// Replaces the key that opens the database, for a client.
    pub fn change_key(&mut self, client: u32, encryption: &Encryption) -> Result<()> {
        self.clients.get(&client).ok_or_else(no_client)?.permit(Operation::ChangeKey)?;
        self.database.as_mut().ok_or(Error::Closed)?.change_key(encryption)
    }

    pub fn stats(&self) -> Result<Stats> {
        self.database.as_ref().map(Database::stats).ok_or(Error::Closed)
    }

    /// Closes the database, and ends what is under way; a second time changes nothing.
    pub fn close(&mut self) -> Result<()> {
        let Some(mut database) = self.database.take() else { return Ok(()) };
        self.clients.values_mut().for_each(|client| client.transactions.roll_back_all(&mut database));
        database.close()
    }
}

#[cold]
#[inline(never)]
fn no_client() -> Error {
    not_understood("a client that has not joined")
}

/// Returns the answer to a message of `calls` calls after the database was closed.
#[cold]
#[inline(never)]
fn answer_closed(calls: usize) -> Vec<u8> {
    let mut answer = Answer::default();
    for _ in 0..calls {
        answer.fail(answer.mark(), &Error::Closed);
    }
    answer.finish()
}

/// The receipts of a message that comes now.
fn receipts_of<F: File>(database: &Database<F>, client: &mut Client, message: Message<'_>) -> Result<Option<Receipts>> {
    let Some(id) = client.id else { return Ok(None) };
    if message.number > MESSAGE_MAX {
        return Err(not_understood("the number of a message"));
    }
    client.numbers.begin(message.number, message.is_repeated);
    client.ledger.acknowledge(database, id, message.answered.min(message.number));
    let receipts = if message.is_repeated {
        Receipts::of_repeated(database, id, message.number)?
    } else {
        Receipts::of_first(id, message.number)
    };
    Ok(Some(receipts))
}
