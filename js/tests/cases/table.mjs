// The table of calls and their answers that every host plays: tests/verbs/table tells of its form. Here it is played
// through the package; a file of the table is a case.
import { AssertionError, ok } from "../support/assert.mjs";
import { Kept, none } from "../support/table-values.mjs";

const host = "js";
const folder = new URL("../../../tests/verbs/table/", import.meta.url);

async function read(name) {
  const file = new URL(`${name}.json`, folder);
  const text =
    file.protocol === "file:"
      ? await (await import("node:fs/promises")).readFile(file, "utf8")
      : await (await fetch(file)).text();
  return JSON.parse(text);
}

const topics = await Promise.all((await read("topics")).map(async (name) => ({ name, scenarios: await read(name) })));

/** What `throw` in a transaction throws. */
class Thrown extends Error {
  code = "Thrown";
}

/** Methods that the table cannot call, as they work with streams, keys and what is outside of one database. */
const elsewhere = [
  "constructor", "close", "export", "changeKey", "rotateKey", "collection", "setStream", "getStream", "watch", "watchQuery",
  "storageFacts",
];
/** Methods of transactions that are not of the API. */
const internal = ["commit", "rollBack"];

/** Where several share a database, the newest commit notes what the one before was answered. */
const withoutReceipt = (stats) => ({ ...stats, version: stats.version - 1 });

class Player {
  constructor({ open, sleep, persistent, isShared, isSync, Transaction }) {
    Object.assign(this, { open, sleep, persistent, isShared, isSync, Transaction, kept: new Kept(), snapshots: new Map() });
  }

  async play({ steps }) {
    this.db = await this.open();
    for (const [index, step] of steps.entries()) {
      if (isHere(step)) await this.step(step, () => this.call(step), `step ${index}`);
    }
    const { problems } = await this.db.check({ full: true });
    ok(problems.length === 0, `in the end: ${problems}`);
    await this.db.close();
  }

  /** Calls, and compares what comes of it. An error that is not expected in a transaction ends that. */
  async step(step, call, place, isInner = false) {
    let answer;
    try {
      answer = await call();
    } catch (thrown) {
      return this.expectThrown(step, thrown, place, isInner);
    }
    this.expect(step, answer, place);
  }

  /** The same of a call that returns its value. */
  stepNow(step, call, place) {
    let answer;
    try {
      answer = call();
    } catch (thrown) {
      return this.expectThrown(step, thrown, place, true);
    }
    this.expect(step, answer, place);
  }

  expectThrown(step, thrown, place, isInner) {
    if (thrown instanceof AssertionError || typeof thrown.code !== "string" || (isInner && step.error === undefined)) throw thrown;
    if (thrown.code === step.error) return;
    throw new AssertionError(`${place}, ${step.verb}: got ${thrown.code}, ${thrown.stack}`);
  }

  expect(step, answer, place) {
    if (step.error !== undefined) throw new AssertionError(`${place}, ${step.verb}: expected ${step.error}, and got ${shown(answer)}`);
    if (!("result" in step)) return;
    const wrong = this.kept.compare(told(answer), step.result);
    if (wrong !== undefined) throw new AssertionError(`${place}, ${step.verb}: ${wrong}`);
  }

  args(step) {
    return (step.args ?? []).map((value) => this.kept.resolve(value));
  }

  async call(step) {
    const { db } = this;
    const args = this.args(step);
    switch (step.verb) {
      case "sleep": return this.sleep(...args);
      case "stats": return this.isShared ? withoutReceipt(await db.stats()) : db.stats();
      case "reopen": return this.reopen(...args);
      case "commit": return db.commit(this.batch(step.steps));
      case "transaction": return db.transaction((tx) => this[this.isSync ? "withinNow" : "within"](tx, step.steps), ...args);
      case "snapshot": return void this.snapshots.set(args[0], await db.snapshot());
    }
    const whole = step.snapshot === undefined ? db : this.snapshots.get(step.snapshot);
    return method(on(whole, step), step.verb, args);
  }

  async reopen(options) {
    if (!this.persistent) return;
    this.snapshots.clear();
    await this.db.close();
    this.db = await this.open(options);
  }

  batch(steps) {
    const transaction = new this.Transaction();
    for (const step of steps.filter(isHere)) on(transaction, step)[step.verb](...this.args(step));
    return transaction;
  }

  async within(tx, steps) {
    for (const [index, step] of steps.filter(isHere).entries()) {
      if (step.verb === "throw") throw new Thrown("as the table asks for");
      const call = () => (step.outside ? this.call(step) : method(on(tx, step), step.verb, this.args(step)));
      await this.step(step, call, `in it, step ${index}`, true);
    }
  }

  /** The same where verbs return values. What it does outside is done by the time the verb is called. */
  withinNow(tx, steps) {
    for (const [index, step] of steps.filter(isHere).entries()) {
      if (step.verb === "throw") throw new Thrown("as the table asks for");
      if (step.outside) void this.call(step);
      else this.stepNow(step, () => on(tx, step)[step.verb](...this.args(step)), `in it, step ${index}`);
    }
  }
}

const isHere = (step) => step.hosts === undefined || step.hosts.includes(host);
const on = (whole, { collection }) => (collection === undefined ? whole : whole.collection(collection));
const shown = (value) => JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));

async function method(target, verb, args) {
  if (verb !== "scan") return target[verb](...args);
  const entries = [];
  for await (const entry of target.scan(...args)) entries.push(entry);
  return entries;
}

/** An answer as the table tells it. */
function told(answer) {
  if (answer === undefined) return none;
  if (Array.isArray(answer)) return answer.map(told);
  const isDocument = typeof answer === "object" && answer !== null && "expiresAt" in answer && "document" in answer;
  return isDocument ? { ...answer, expiresAt: answer.expiresAt === undefined ? none : answer.expiresAt.getTime() } : answer;
}

/** The names of the methods of an object. */
function methods(object) {
  const names = new Set();
  for (let level = object; level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    for (const name of Object.getOwnPropertyNames(level)) if (typeof object[name] === "function") names.add(name);
  }
  return [...names].filter((name) => !elsewhere.includes(name));
}

const all = (steps) => steps.flatMap((step) => [step, ...all(step.steps ?? [])]);

export default [
  ...topics.map(({ name, scenarios }) => ({
    name: `every scenario about ${name}`,
    async run(given) {
      for (const [index, scenario] of scenarios.entries()) {
        const name = `${given.name}-${index}`;
        if (scenario.persists && !given.persistent) continue;
        const open = (more) => given.Ferrolite.open(name, { ...given.options, ...more });
        const player = new Player({ ...given, open });
        try {
          await player.play(scenario);
        } catch (thrown) {
          throw new Error(`${scenario.name}: ${thrown.stack}`, { cause: thrown });
        } finally {
          await player.db?.close();
          await given.Ferrolite.delete(name);
        }
      }
    },
  })),
  {
    name: "every method is in the table",
    async run({ open }) {
      const db = await open();
      const snapshot = await db.snapshot();
      const steps = topics.flatMap(({ scenarios }) => scenarios.flatMap(({ steps }) => steps));
      const missing = (object, of) => methods(object).filter((name) => !all(of).some(({ verb }) => verb === name));
      const inTransactions = steps.filter(({ verb }) => verb === "transaction").flatMap((step) => step.steps);
      let ofTransactions;
      await db.transaction((tx) => void (ofTransactions = missing(tx, inTransactions).filter((name) => !internal.includes(name))));
      const ofSnapshots = missing(snapshot, steps.filter((step) => step.snapshot !== undefined));
      const ofCollections = missing(db.collection("c"), steps.filter((step) => step.collection !== undefined));
      const found = { db: missing(db, steps), ofCollections, ofSnapshots, ofTransactions };
      ok(Object.values(found).every((names) => names.length === 0), JSON.stringify(found));
    },
  },
];
