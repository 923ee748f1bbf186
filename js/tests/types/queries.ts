// Types of queries: paths, what is selected, and what collections know of their documents.
import { type Collection, Ferrolite, type Query, type Row, type Selected, type StandardSchema } from "ferrolite";

interface Person {
  name: string;
  age?: number;
  tags: string[];
  address: { city: string; zip?: string; geo?: { lat: number; lon: number } };
}

/** Compiles when both are the same type. */
type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

export async function selects(people: Collection<Person>, db: Ferrolite): Promise<void> {
  const rows = await people.query({ where: { age: { gte: 18 } }, select: ["name", "address.city"], orderBy: "age" });
  rows[0]?.value.name satisfies string | undefined;
  rows[0]?.value.address?.city satisfies string | undefined;
  // @ts-expect-error it was not selected
  rows[0]?.value.tags;
  // @ts-expect-error it was not selected
  rows[0]?.value.address?.zip;
  // @ts-expect-error an object of which fields are selected may not be there
  rows[0]?.value.address.city;

  const page = await people.queryPage({ select: ["age", "address"], limit: 10 });
  page.rows[0]?.value.age satisfies number | undefined;
  page.rows[0]?.value.address.geo?.lat satisfies number | undefined;
  page.cursor satisfies string | undefined;
  const one = await people.findOne({ select: ["address.geo.lat"] });
  one?.value.address?.geo?.lat satisfies number | undefined;
  // @ts-expect-error it was not selected
  one?.value.address?.geo?.lon;
  same<keyof Selected<Person, "name">, "name">(true);
  same<Selected<unknown, "name">, unknown>(true);

  // Without select all of it is there; with a type that is given, it is believed.
  const all = await people.query({ orderBy: "address.city" });
  same<typeof all, Row<Person>[]>(true);
  const named = await db.query<Pick<Person, "name">>({ select: ["name"] });
  named[0]?.value.name satisfies string | undefined;
  const unknowns = await db.query({ select: ["whatever.there.is"] });
  same<typeof unknowns, Row<unknown>[]>(true);
  const prepared: Query<Person> = { select: ["name"] };
  (await people.query(prepared)) satisfies Row<Person>[];

  // @ts-expect-error there is no such path
  await people.query({ select: ["address.street"] });
  // @ts-expect-error there is no such path
  await people.query({ orderBy: ["name", { path: "address.geo.height" }] });
  // @ts-expect-error a city is a string
  await people.query({ where: { "address.city": { gte: 5 } } });
  // @ts-expect-error an operator compares with what is there
  await people.count({ where: { age: { in: ["old"] } } });
  // @ts-expect-error a path or several
  await people.createIndex({ path: "name" });
  // @ts-expect-error there is no such option
  await people.createIndex("name", { sparse: true });
  await people.createIndex(["address.city", "age"], { unique: true, signal: AbortSignal.timeout(5) });
}

export async function collections(db: Ferrolite): Promise<void> {
  const people = db.collection<Person>("people");
  const person = await people.get("a");
  same<typeof person, Person | undefined>(true);
  // @ts-expect-error tags are missing
  await people.set("a", { name: "alice", address: { city: "Oslo" } });
  // @ts-expect-error all of them are documents of it
  await people.setMany([["a", { name: "alice" }]]);
  for await (const [key, person] of people.scan({ prefix: "a" }, { signal: new AbortController().signal })) {
    same<typeof key, string>(true);
    same<typeof person, Person>(true);
  }
  for await (const { added } of people.watchQuery({ where: { tags: { contains: "a" } } })) same<typeof added, Row<Person>[]>(true);

  // What a validator takes and what it gives may differ.
  const dates = db.collection("dates", { validate: {} as StandardSchema<{ at: string }, { at: number; year: number }> });
  await dates.set("a", { at: "2024-01-01" });
  // @ts-expect-error it takes text
  await dates.set("a", { at: 5, year: 5 });
  const date = await dates.get("a");
  same<typeof date, { at: number; year: number } | undefined>(true);
  (await dates.query({ select: ["year"] }))[0]?.value.year satisfies number | undefined;
  // @ts-expect-error the text is not stored
  await dates.query({ where: { at: "2024-01-01" } });
  await db.transaction(async (tx) => {
    await tx.collection(dates).set("b", { at: "2025-01-01" });
    (await tx.collection(dates).findOne({ select: ["at"] }))?.value.at satisfies number | undefined;
    // @ts-expect-error it takes text
    await tx.collection(dates).set("b", { at: 1 });
  }, { signal: AbortSignal.timeout(1), retries: 1 });
}
