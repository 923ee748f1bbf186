//! Bytes that are written and read in pieces between messages. Each has a number.

use super::answer::Answer;
use super::call::{Attachments, Call, not_understood};
use super::client::Numbers;
use crate::documents::{BlobReader, BlobWriter, Database, Error, Result};
use crate::fs::File;
use std::collections::BTreeMap;

/// What is being written and read, by number.
#[derive(Debug, Default)]
pub(crate) struct Blobs {
    writers: BTreeMap<u64, BlobWriter>,
    readers: BTreeMap<u64, BlobReader>,
}

impl Blobs {
    /// Runs one of the verbs that begin with `blob`.
    pub fn run<F: File>(
        &mut self,
        database: &mut Database<F>,
        attachments: &Attachments<'_>,
        numbers: &mut Numbers,
        call: &Call<'_>,
        answer: &mut Answer,
    ) -> Result<()> {
        match call.verb {
            "blobBegin" => {
                let ttl = call.optional(1).map(|_| call.ttl(1)).transpose()?;
                let writer = database.named_mut(&call.collection).begin_blob(&call.key()?, ttl)?;
                let number = numbers.next();
                self.writers.insert(number, writer);
                answer.value(&number)
            }
            "blobWrite" => {
                let writer = self.writers.get_mut(&call.parse(0)?).ok_or(Error::Aborted)?;
                database.write_blob(writer, attachments.of(call, 1)?)?;
                answer.done();
                Ok(())
            }
            "blobFinish" => {
                let writer = self.writers.remove(&call.parse(0)?).ok_or(Error::Aborted)?;
                answer.value(&database.finish_blob(writer)?)
            }
            "blobAbort" => {
                if let Some(writer) = self.writers.remove(&call.parse(0)?) {
                    database.abort_blob(writer);
                }
                answer.done();
                Ok(())
            }
            "blobOpen" => match database.named_mut(&call.collection).open_blob(&call.key()?)? {
                None => {
                    answer.done();
                    Ok(())
                }
                Some(reader) => {
                    let number = numbers.next();
                    self.readers.insert(number, reader);
                    answer.value(&number)
                }
            },
            "blobRead" => {
                let number = call.parse(0)?;
                let reader = self.readers.get_mut(&number).ok_or(Error::Aborted)?;
                match database.read_blob(reader)? {
                    Some(bytes) => answer.bytes(bytes),
                    None => {
                        self.close(database, number);
                        answer.done();
                    }
                }
                Ok(())
            }
            "blobClose" => {
                self.close(database, call.parse(0)?);
                answer.done();
                Ok(())
            }
            verb => Err(not_understood(verb)),
        }
    }

    /// Whether bytes are written or read under this number.
    pub fn has(&self, number: u64) -> bool {
        self.writers.contains_key(&number) || self.readers.contains_key(&number)
    }

    /// Gives up all of it.
    pub fn end_all<F: File>(&mut self, database: &mut Database<F>) {
        std::mem::take(&mut self.writers).into_values().for_each(|writer| database.abort_blob(writer));
        std::mem::take(&mut self.readers).into_values().for_each(|reader| database.close_blob(reader));
    }

    fn close<F: File>(&mut self, database: &mut Database<F>, number: u64) {
        if let Some(reader) = self.readers.remove(&number) {
            database.close_blob(reader);
        }
    }
}
