//! The writes of a transaction.

use super::call::{Attachments, Call, not_understood};
use super::operation::Operation;
use crate::documents::{Result, Transaction};
use serde::{Deserialize, Deserializer};

/// One write of a transaction: `[operation, key, ...]`.
pub(crate) struct TransactionWrite<'a>(Call<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for TransactionWrite<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Call::deserialize(deserializer).map(Self)
    }
}

impl TransactionWrite<'_> {
    /// Adds the write to `transaction`.
    pub fn add_to(&self, transaction: Transaction, attachments: &Attachments<'_>) -> Result<Transaction> {
        let call = &self.0;
        let transaction = transaction.named(&call.collection);
        match call.operation {
            Some(Operation::Set) => transaction.set_raw(&call.key()?, call.raw(1)?, None),
            Some(Operation::SetEx) => transaction.set_raw(&call.key()?, call.raw(1)?, Some(call.ttl(2)?)),
            Some(Operation::SetBytes) => {
                let ttl = call.set_options()?.ttl;
                transaction.set_bytes(&call.key()?, attachments.of(call, 1)?, ttl)
            }
            Some(Operation::Delete) => transaction.delete(&call.key()?),
            _ => Err(not_understood(format!("{:?} in a transaction", call.name))),
        }
    }
}
