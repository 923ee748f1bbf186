//! A bank: transfers that are done whole or not at all. `cargo run --example transactions`

use ferrolite::{Database, Error, Options, Transaction, fs::Memory};

/// Why a transfer is not made.
#[derive(Debug)]
enum Refused {
    /// So much is there.
    TooLittle(i64),
    /// The database says no.
    Database(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

fn main() -> Result<(), Refused> {
    let mut db = pollster::block_on(Database::open(&Memory::new(), "bank", Options::default()))?;

    // Writes that are known in advance: one commit, no reading.
    db.commit(Transaction::new().set("ann", &10_000)?.set("ben", &500)?)?;

    // What is read cannot change before the commit, and what fails writes nothing.
    let mut transfer = |from: &str, to: &str, cents: i64| {
        db.transaction(|tx| {
            let (payer, payee) = (tx.get::<i64>(from)?.unwrap_or(0), tx.get::<i64>(to)?.unwrap_or(0));
            if payer < cents {
                return Err(Refused::TooLittle(payer));
            }
            tx.set(from, &(payer - cents))?;
            tx.set(to, &(payee + cents))?;
            Ok(payer - cents)
        })
    };
    println!("ann has {} left", transfer("ann", "ben", 2_000)?);
    match transfer("ben", "ann", 1_000_000) {
        Err(Refused::TooLittle(cents)) => println!("ben has {cents} only"),
        Err(Refused::Database(error)) => println!("{error}"),
        Ok(left) => println!("ben has {left} left"),
    }

    // Of two that are under way at a time, the one that read what the other has written fails.
    let mut slow = db.begin()?;
    let seen: Option<i64> = slow.on(&db).get("ann")?;
    db.set("ann", &0)?;
    slow.on(&db).set("ann", &seen.map(|cents| cents + 1))?;
    println!("{:?}", db.commit_open(slow).map_err(|error| error.code()));

    db.close()?;
    Ok(())
}
