import { Ferrolite, Transaction } from "ferrolite/inline";

const db = await Ferrolite.open("packed");
await db.commit(new Transaction().set("a", { n: 1 }).set("b", { n: 2 }));
await db.createIndex("n");
console.log(JSON.stringify({ found: await db.find("n", { gt: 1 }), kind: db.storage.kind }));
await db.close();
