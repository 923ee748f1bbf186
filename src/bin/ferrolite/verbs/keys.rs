//! `change-key` and `rotate-key`: the verbs about what an encrypted database is opened and sealed with.

use crate::command::Answer;
use crate::command::Db;
use crate::command::Request;
use crate::failure::Failure;
use crate::output::Output;
use crate::secrets;
use crate::session::Session;
use ferrolite::Error;
use serde_json::json;

/// Lets another key or passphrase open the database.
pub fn change(session: &Session, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    // Looked for first: nobody is to type the old passphrase in vain.
    let given = request.new_sealing.read()?;
    if given.is_none() {
        secrets::ensure_can_ask()?;
    }
    session.with_database(request, |db| {
        if db.stats().engine.encryption.is_none() {
            return Err(Error::NotEncrypted.into());
        }
        let new = match given {
            Some(new) => new,
            None => secrets::ask_for_new()?.with_argon2(request.new_sealing.argon2.unwrap_or_default()),
        };
        db.change_key(&new)?;
        output.answer(&json!({ "changed": true }), "changed; copies of the file are still opened by the old key")?;
        Ok(Answer::Yes)
    })
}

/// Seals everything with a new data key.
pub fn rotate(db: &mut Db, _request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    db.rotate_key()?;
    let epoch = db.stats().engine.encryption.map_or(0, |encryption| encryption.key_epoch);
    output.answer(&json!({ "keyEpoch": epoch }), &format!("sealed anew; the key epoch is {epoch}"))?;
    Ok(Answer::Yes)
}
