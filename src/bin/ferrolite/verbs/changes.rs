//! `changes`.

use crate::command::Answer;
use crate::command::Db;
use crate::command::Request;
use crate::failure::Failure;
use crate::output::{Output, to_json};
use ferrolite::{Error, PageLimits, WatchOptions};

/// Prints what commits behind a version have changed, as far as the change history has it: a line of JSON each.
pub fn changes(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let from = |since| WatchOptions { since: Some(since), without_values: true };
    let begin = match request.since {
        Some(since) => since,
        // Behind a version that no commit can have, all changes are lost; the error says where none are.
        None => match db.watch_all(&from(u64::MAX)) {
            Err(Error::ChangesLost { oldest, .. }) => oldest,
            watcher => watcher?.version(),
        },
    };
    let mut watcher = db.watch_all(&from(begin))?;
    let mut left = request.range.limit.unwrap_or(u64::MAX);
    while left > 0 {
        let documents = usize::try_from(left).unwrap_or(usize::MAX).min(PageLimits::default().documents);
        let changes = db.changes(&mut watcher, PageLimits { documents, ..PageLimits::default() })?;
        if changes.is_empty() {
            break;
        }
        left -= changes.len() as u64;
        for change in changes {
            output.line(&to_json(&change))?;
        }
    }
    Ok(Answer::Yes)
}
