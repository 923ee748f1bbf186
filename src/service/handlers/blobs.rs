//! Bytes that are written and read in pieces.

use crate::documents::Result;
use crate::fs::File;
use crate::service::answer::Answer;
use crate::service::call::Call;
use crate::service::execution::Execution;

/// Begins to write bytes.
#[inline(never)]
pub(crate) fn begin<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let ttl = call.optional(1).map(|_| call.ttl(1)).transpose()?;
    let writer = at.database.named_mut(&call.collection).begin_blob(&call.key()?, ttl)?;
    let number = at.client.numbers.next();
    at.client.blobs.write(number, writer);
    answer.value(&number)
}

/// Writes a piece.
#[inline(never)]
pub(crate) fn write<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let bytes = at.attachments.of(call, 1)?;
    at.database.write_blob(at.client.blobs.writer(call.parse(0)?)?, bytes)?;
    answer.done();
    Ok(())
}

/// Commits the bytes that were written.
#[inline(never)]
pub(crate) fn finish<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    answer.value(&at.database.finish_blob(at.client.blobs.finish(call.parse(0)?)?)?)
}

/// Discards the bytes that were written.
#[inline(never)]
pub(crate) fn abort<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.client.blobs.abort(at.database, call.parse(0)?);
    answer.done();
    Ok(())
}

/// Begins to read bytes.
#[inline(never)]
pub(crate) fn open<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    match at.database.named_mut(&call.collection).open_blob(&call.key()?)? {
        None => {
            answer.done();
            Ok(())
        }
        Some(reader) => {
            let number = at.client.numbers.next();
            at.client.blobs.read(number, reader);
            answer.value(&number)
        }
    }
}

/// Reads a piece.
#[inline(never)]
pub(crate) fn read<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    let number = call.parse(0)?;
    match at.database.read_blob(at.client.blobs.reader(number)?)? {
        Some(bytes) => answer.bytes(bytes),
        None => {
            at.client.blobs.close(at.database, number);
            answer.done();
        }
    }
    Ok(())
}

/// Stops reading bytes.
#[inline(never)]
pub(crate) fn close<F: File>(at: &mut Execution<'_, F>, call: &Call<'_>, answer: &mut Answer) -> Result<()> {
    at.client.blobs.close(at.database, call.parse(0)?);
    answer.done();
    Ok(())
}
