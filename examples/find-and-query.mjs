// A catalogue of books: indexes, filters, orders and pages.
import { Ferrolite } from "ferrolite";

/** @typedef {{ title: string, year: number, author: { name?: string }, tags?: string[] }} Book */

const db = await Ferrolite.open("library");
/** @type {import("ferrolite").Collection<Book>} */
const books = db.collection("books");
await books.setMany([
  ["dune", { title: "Dune", year: 1965, author: { name: "Frank Herbert" }, tags: ["sf", "desert"] }],
  ["emma", { title: "Emma", year: 1815, author: { name: "Jane Austen" }, tags: ["love"] }],
  ["momo", { title: "Momo", year: 1973, author: { name: "Michael Ende" }, tags: ["time", "sf"] }],
  ["ubik", { title: "Ubik", year: 1969, author: { name: "Philip K. Dick" }, tags: ["sf", "time"] }],
]);

// What is asked for often gets an index. Answers are the same without one.
await books.createIndex("author.name");
await books.createIndex("tags", { multi: true });
await books.createIndex("year");

// Keys alone: of a value, or of values within bounds.
console.log("by Ende:", await books.find("author.name", "Michael Ende"));
console.log("before 1970:", await books.find("year", { lt: 1970 }));

// Documents: a filter, an order, a limit.
const newest = await books.query({ where: { tags: { contains: "sf" } }, orderBy: { path: "year", reverse: true }, limit: 2 });
for (const { key, value } of newest) console.log("sf:", key, value.year);

// Page by page; the cursor goes into the query of the next page.
/** @type {import("ferrolite").Query<Book>} */
let query = { where: { year: { gte: 1900 } }, orderBy: "title", limit: 2, select: ["title"] };
do {
  const { rows, cursor } = await books.queryPage(query);
  console.log("page:", rows.map((row) => row.value.title).join(", "));
  query = { ...query, after: cursor };
} while (query.after !== undefined);

console.log("how many:", await books.count({ where: { or: [{ "author.name": { startsWith: "J" } }, { year: 1973 }] } }));

// Which index a query goes by is found out for each; where reading all documents costs less, none.
await books.setMany(Array.from({ length: 1000 }, (_, n) => [`report:${n}`, { title: `Report ${n}`, year: 2000, author: {} }]));
const { index, documentsRead } = await books.explain({ where: { "author.name": "Jane Austen" } });
console.log("by the index on", index, "read:", documentsRead);
await db.close();
