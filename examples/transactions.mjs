// A bank: transfers that are done whole or not at all, whoever else is at it.
import { Ferrolite, Transaction } from "ferrolite";

const db = await Ferrolite.open("bank");
/** @type {import("ferrolite").Collection<{ cents: number, name?: string }>} */
const accounts = db.collection("accounts");

// Writes that are known in advance: one commit, no reading.
await db.commit(
  new Transaction().set("opened", "2026-01-01").collection(accounts).set("ann", { cents: 10_000 }).set("ben", { cents: 500 }),
);

/**
 * Moves money. What it reads cannot change before it commits: then it is run again.
 * @param {string} from
 * @param {string} to
 * @param {number} cents
 */
function transfer(from, to, cents) {
  return db.transaction(async (tx) => {
    const inTx = tx.collection(accounts);
    const [payer, payee] = await inTx.getMany([from, to]);
    if (payer === undefined || payee === undefined) throw new Error("there is no such account");
    if (payer.cents < cents) throw new Error(`${from} has ${payer.cents} cents only`);
    await inTx.set(from, { cents: payer.cents - cents });
    await inTx.set(to, { cents: payee.cents + cents });
  });
}

// Five at the same time. Each reads what the one before has left.
await Promise.all(Array.from({ length: 5 }, () => transfer("ann", "ben", 400)));
console.log(await accounts.entries());

// What the function throws ends it, and nothing is written.
await transfer("ben", "ann", 1_000_000).catch((error) => console.log("refused:", error.message));

// A single document needs no transaction. Only if nobody was faster:
const ann = await accounts.getDocument("ann");
if (ann === undefined) throw new Error("there is no such account");
await accounts.set("ann", { ...ann.document, name: "Ann" }, { ifVersion: ann.version });
await accounts.set("ann", { cents: 0 }, { ifVersion: ann.version }).catch((error) => console.log("refused:", error.code));

// Counters are exact, and patches change what they name.
console.log("receipt", await db.increment("receipts"), "and", await db.increment("receipts"));
await accounts.mergePatch("ann", { name: null, since: 2026 });

// A snapshot stays as it was.
const snapshot = await db.snapshot();
await accounts.delete("ben");
console.log("then:", await snapshot.collection(accounts).keys(), "now:", await accounts.keys());
await snapshot.close();
await db.close();
