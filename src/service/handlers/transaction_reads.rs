//! Reads in a transaction.

use super::queries;
use crate::documents::{Database, Document, OpenTransaction, QueryPage, Result};
use crate::fs::File;
use crate::service::answer::Answer;
use crate::service::call::{Call, not_understood};
use crate::service::operation::Operation;
use crate::service::results::{document, entry, first, keys, list, page, perhaps, value, versioned};

/// Runs a call that reads in the transaction `open`.
#[inline(never)]
pub(crate) fn read<F: File>(
    open: &mut OpenTransaction,
    database: &Database<F>,
    call: &Call<'_>,
    answer: &mut Answer,
) -> Result<()> {
    let mut documents = open.on(database);
    let mut documents = documents.named(&call.collection);
    match call.operation {
        Some(Operation::Get) => document(answer, documents.get_document(&call.key()?)?),
        Some(Operation::GetMany) => {
            let found = call.keys()?.into_iter().map(|key| documents.get_document(&key));
            list(answer, found, perhaps)
        }
        Some(Operation::GetDocument) => versioned(answer, documents.get_document(&call.key()?)?),
        Some(Operation::Has) => answer.value(&documents.has(&call.key()?)?),
        Some(Operation::Count) => answer.value(&documents.documents(&call.range()?)?.len()),
        Some(Operation::Keys) => {
            let documents = documents.documents(&call.range()?)?;
            list(answer, documents.into_iter().map(Ok), |answer, document: Document| answer.json(&document.key))
        }
        Some(Operation::Values) => list(answer, documents.documents(&call.range()?)?.into_iter().map(Ok), value),
        Some(Operation::Entries) => list(answer, documents.documents(&call.range()?)?.into_iter().map(Ok), entry),
        Some(Operation::Query) => {
            let QueryPage { rows, cursor } = documents.query_page(&queries::parse(call)?)?;
            page(answer, &mut rows.into_iter().map(Ok), |_| Ok(cursor))
        }
        Some(Operation::FindOne) => first(answer, documents.find_one(&queries::parse(call)?)?),
        Some(Operation::CountRows) => answer.value(&documents.count_rows(&queries::parse(call)?)?),
        Some(Operation::FindPage) => {
            keys(answer, documents.find_page(&call.path()?, &call.condition()?, &call.find_options()?)?)
        }
        Some(Operation::Find) => {
            answer.value(&documents.find(&call.path()?, &call.condition()?, &call.find_options()?)?)
        }
        _ => Err(not_understood(format!("reading by {:?} in a transaction", call.name))),
    }
}
