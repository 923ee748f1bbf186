import { Ferrolite, Transaction } from "ferrolite";

async function run() {
  const db = await Ferrolite.open("vite");
  await db.commit(new Transaction().set("a", { n: 1 }).set("b", { n: 2 }));
  await db.createIndex("n");
  const found = await db.find("n", { gt: 1 });
  const kind = db.storage.kind;
  await db.close();
  return { found, kind };
}

globalThis.outcome = run().catch((error) => ({ code: error.code, message: error.message }));
