// A word count, in a worker or in Node: every verb gives its value at once.
import { FerroliteError, FerroliteSync } from "ferrolite/sync";

const db = await FerroliteSync.open("words");
/** @type {import("ferrolite/sync").SyncCollection<{ count: number }>} */
const words = db.collection("words");
words.createIndex("count");

const text = "the quick brown fox jumps over the lazy dog and the fox sleeps";
db.transaction((tx) => {
  const counts = tx.collection(words);
  for (const word of text.split(" ")) counts.set(word, { count: (counts.get(word)?.count ?? 0) + 1 });
});

const often = words.query({ where: { count: { gte: 2 } }, orderBy: "count", reverse: true });
for (const { key, value } of often) console.log(key, value.count);
for (const [word] of words.scan({ gte: "q" })) console.log(word);
try {
  words.set("", { count: 1 });
} catch (error) {
  if (!(error instanceof FerroliteError)) throw error;
  console.log(error.code);
}
db.close();
