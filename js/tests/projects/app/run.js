/** What every project does, and what it comes to. */
export async function run({ Ferrolite, Transaction }, name, options = {}) {
  const db = await Ferrolite.open(name, options);
  await db.commit(new Transaction().set("a", { n: 1 }).set("b", { n: 2 }));
  await db.createIndex("n");
  const found = await db.find("n", { gt: 1 });
  const kind = db.storage.kind;
  await db.close();
  return { found, kind };
}

/** Leaves it, or the error, where the tests look. */
export function tell(promise) {
  globalThis.outcome = promise.catch((error) => ({ code: error.code, message: error.message }));
}
