//! A catalogue of books: indexes, filters, orders and pages. `cargo run --example queries`

use ferrolite::{Database, IndexSpec, Options, OrderBy, Query, fs::Memory};
use serde_json::{Value, json};

fn main() -> ferrolite::Result<()> {
    // `fs::Std` keeps files.
    let mut db = pollster::block_on(Database::open(&Memory::new(), "books", Options::default()))?;

    let mut books = db.collection_mut("books")?;
    books.set_many([
        ("dune", json!({"title": "Dune", "year": 1965, "tags": ["sf", "desert"]})),
        ("emma", json!({"title": "Emma", "year": 1815, "tags": ["love"]})),
        ("momo", json!({"title": "Momo", "year": 1973, "tags": ["time", "sf"]})),
        ("ubik", json!({"title": "Ubik", "year": 1969, "tags": ["sf", "time"]})),
    ])?;
    books.create_index("year")?;
    books.create_index(IndexSpec::from("tags").multi())?;

    // A query is JSON text, or is put together.
    let query = Query::parse(r#"{"where": {"tags": {"contains": "sf"}, "year": {"gte": 1965}}}"#)?;
    let mut query = query.order_by(OrderBy::descending("year")).limit(2);
    loop {
        let page = books.query_page(&query)?;
        for row in &page.rows {
            let book: Value = row.parse()?;
            println!("{}: {}", row.key, book["title"]);
        }
        let Some(cursor) = page.cursor else { break };
        query = query.after(cursor);
    }

    // Any number of rows, one at a time in memory.
    for row in books.rows(&Query::new().order_by("year"))? {
        println!("{}", row?.key);
    }
    println!("{:?}", books.explain(&Query::parse(r#"{"where": {"year": 1815}}"#)?)?);

    db.close()
}
