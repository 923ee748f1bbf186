// Users and their orders: collections whose documents a validator has to let pass.
import { Ferrolite } from "ferrolite";

/**
 * A validator as Standard Schema wants it. Zod, Valibot, ArkType and others make such objects.
 * @type {import("ferrolite").StandardSchema<{ name: string, email: string, role?: string }>}
 */
const User = {
  "~standard": {
    version: 1,
    vendor: "example",
    validate(/** @type {any} */ { name, email, ...rest }) {
      const issues = [];
      if (typeof name !== "string" || name === "") issues.push({ message: "must be a name", path: ["name"] });
      if (typeof email !== "string" || !email.includes("@")) issues.push({ message: "must be an address", path: ["email"] });
      if (issues.length > 0) return { issues };
      // What the validator gives is what is stored.
      return { value: { role: "member", ...rest, name, email: email.toLowerCase() } };
    },
  },
};

const db = await Ferrolite.open("shop");
const users = db.collection("users", { validate: User });
/** @type {import("ferrolite").Collection<{ user: string, total: number }>} */
const orders = db.collection("orders");

// Each collection has keys and indexes of its own.
await users.createIndex("email", { unique: true });
await orders.createIndex(["user", "total"]);

await users.set("ann", { name: "Ann", email: "Ann@Example.org" });
console.log(await users.get("ann"));

await users.set("ben", { name: "", email: "nowhere" }).catch((error) => console.log(`${error.code}: ${error.message}`));
await users.set("eve", { name: "Eve", email: "ann@example.org" }).catch((error) => console.log(error.code));
// A patch is validated, too: what it makes of the document.
await users.mergePatch("ann", { email: null }).catch((error) => console.log(error.cause.issues[0].message));

// One transaction may write to several collections.
await db.transaction(async (tx) => {
  await tx.collection(users).set("ben", { name: "Ben", email: "ben@example.org" });
  await tx.collection(orders).set("o1", { user: "ben", total: 12 });
  await tx.collection(orders).set("o2", { user: "ben", total: 7 });
});
const rows = await orders.query({ where: { user: "ben" }, orderBy: ["user", "total"] });
console.log(rows.map(({ key, value }) => `${key}: ${value.total}`));

console.log(await db.collections());
await db.dropCollection("orders"); // at once, however many documents it has
console.log(await db.collections());
await db.close();
