// A small place for data is filled, over and over, and everything that must go on goes on: reads, reopening, deleting,
// compacting, and then writing again. It runs in Node and in pages. What is acknowledged goes into a model, what is
// refused does not, and after each step the database must be equal to the model. A step that fails is told, and the run
// goes on, so that one run tells everything.
import { randomOf } from "./stream.mjs";

/** So many refusals of small documents in a row say that the disk is full. */
const REFUSALS = 20;
/** Fewer than these are no proof that the database was of any use on this disk. */
const DOCUMENTS_MIN = 100;
const DELETIONS = ["everyOther", "halfByRange", "all", "halfInTransactions", "allOneByOne"];
/** So many calls travel together. */
const TOGETHER = 50;

/**
 * `host` has the package's `Ferrolite` and `Transaction`, `name`, and `options` for `open`. Resolves with `{ acknowledged, refused, failures }`, of
 * which the last is a list of texts. The place has room for about `bytes`.
 */
export async function fillAndEmpty(host, { seed, rounds, bytes }) {
  const run = new FullDisk(host, seed, bytes);
  await run.rounds(rounds);
  return { acknowledged: run.acknowledged, refused: run.refused, failures: run.failures };
}

class FullDisk {
  acknowledged = 0;
  refused = 0;
  failures = [];
  #host;
  #bytes;
  #options;
  #random;
  #model = new Map();
  #lastKey = 0;
  #db;

  constructor(host, seed, bytes) {
    this.#host = host;
    this.#bytes = bytes;
    this.#options = { ...host.options, memtableSize: seed % 2 === 0 ? 64 << 10 : 4 << 20 };
    this.#random = randomOf(seed);
  }

  async rounds(rounds) {
    this.#db = await this.#open("open", {});
    if (this.#db === undefined) return;
    await this.#expect("create an index", () => this.#db.createIndex("group"));
    for (let round = 0; round < rounds; round++) {
      const deletion = DELETIONS[round % DELETIONS.length];
      const at = `round ${round}, `;
      await this.#fill(at);
      await this.#compare(`${at}read the full disk`);
      await this.#expect(`${at}close the full disk`, () => this.#db.close(), true);
      this.#db = await this.#open(`${at}open the full disk for reading`, { readOnly: true, create: false });
      if (this.#db === undefined) return;
      await this.#compare(`${at}read the full disk, opened for reading`);
      await this.#db.close();
      this.#db = await this.#open(`${at}open the full disk`, {});
      if (this.#db === undefined) return;
      await this.#compare(`${at}read the full disk, opened again`);
      await this.#expect(`${at}compact the full disk`, () => this.#db.compact(), true);
      const before = this.#model.size;
      await this.#delete(`${at}delete ${deletion}`, deletion);
      await this.#compare(`${at}read after deleting`);
      await this.#expect(`${at}compact`, () => this.#db.compact());
      await this.#compare(`${at}read after compacting`);
      await this.#writeAgain(`${at}write again`, Math.floor((before - this.#model.size) / 2));
      await this.#compare(`${at}read what was written again`);
    }
    await this.#expect("close", () => this.#db.close(), true);
    this.#db = await this.#open("open at the end", { create: false });
    if (this.#db !== undefined) await this.#compare("read at the end");
    await this.#db?.close();
  }

  /** Writes until the disk is full. */
  async #fill(at) {
    let refusals = 0;
    let written = 0;
    while (refusals < REFUSALS) {
      const [low, high] = refusals > 0 ? [20, 200] : [20, 3000];
      const many = this.#random.below(5) === 0 ? this.#random.between(2, 10) : 1;
      const writes = Array.from({ length: many }, () => this.#document(this.#random.between(low, high)));
      try {
        if (many === 1) await this.#db.set(...writes[0]);
        else await this.#db.setMany(writes);
        refusals = 0;
        this.acknowledged++;
        for (const [key, document] of writes) {
          this.#model.set(key, JSON.stringify(document));
          written += document.text.length;
        }
      } catch (error) {
        if (error.code !== "StorageFull") return this.#fail(`${at}fill`, error);
        refusals++;
        this.refused++;
        if (refusals === 1) await this.#compare(`${at}read after a refusal`);
      }
      if (written > 4 * this.#bytes) return this.#fail(`${at}fill`, "the disk never becomes full");
    }
    if (this.#model.size < DOCUMENTS_MIN) this.#fail(`${at}fill`, `only ${this.#model.size} documents have room`);
  }

  /** A document that hardly compresses, at a new key or an old one. */
  #document(size) {
    const number = this.#lastKey === 0 || this.#random.below(5) > 0 ? ++this.#lastKey : this.#random.below(this.#lastKey);
    let text = "";
    while (text.length < size) text += this.#random.next().toString(36);
    return [`k${String(number).padStart(7, "0")}`, { group: number % 7, text }];
  }

  async #delete(step, deletion) {
    const keys = [...this.#model.keys()].sort();
    const half = keys.length >> 1;
    if (deletion === "all" || deletion === "halfByRange") {
      const range = deletion === "all" ? {} : { lt: keys[half] ?? "" };
      const done = await this.#expect(step, () => this.#db.deleteRange(range));
      if (done) for (const key of keys) if (deletion === "all" || key < keys[half]) this.#model.delete(key);
      return;
    }
    if (deletion === "halfInTransactions") {
      for (let first = 0; first < half; first += 20) {
        const some = keys.slice(first, Math.min(half, first + 20));
        const transaction = new this.#host.Transaction();
        for (const key of some) transaction.delete(key);
        if (!(await this.#expect(step, () => this.#db.commit(transaction)))) return;
        for (const key of some) this.#model.delete(key);
      }
      return;
    }
    const chosen = keys.filter((_, n) => deletion === "allOneByOne" || n % 2 === 0);
    await this.#inGroups(step, chosen, (key) => this.#db.delete(key), (key) => this.#model.delete(key));
  }

  /** Half as much as was deleted has room again. What is refused has it when the database has been compacted, as the error says. */
  async #writeAgain(step, count) {
    const writes = new Map(Array.from({ length: count }, () => this.#document(this.#random.between(20, 1500))));
    const done = ([key, document]) => {
      writes.delete(key);
      this.acknowledged++;
      this.#model.set(key, JSON.stringify(document));
    };
    const write = ([key, document]) => this.#db.set(key, document);
    const failures = this.failures.length;
    await this.#inGroups(step, [...writes], write, done);
    const isFull = this.failures.slice(failures).every((failure) => failure.includes(": StorageFull "));
    if (writes.size === 0 || !isFull) return;
    this.failures.length = failures;
    await this.#expect(`${step}, compact`, () => this.#db.compact());
    await this.#inGroups(`${step}, compacted`, [...writes], write, done);
  }

  /** Makes a call for each item, some together, and notes those that were acknowledged; stops after a refusal. */
  async #inGroups(step, items, call, done) {
    for (let first = 0; first < items.length; first += TOGETHER) {
      const some = items.slice(first, first + TOGETHER);
      const results = await Promise.allSettled(some.map(call));
      results.forEach(({ status }, n) => status === "fulfilled" && done(some[n]));
      const refusal = results.find(({ status }) => status === "rejected");
      if (refusal !== undefined) return this.#fail(`${step}, ${first} of ${items.length}`, refusal.reason);
    }
  }

  /** The database has what the model has, by every way to look at it. */
  async #compare(step) {
    try {
      const entries = (await this.#db.entries()).map(([key, document]) => [key, JSON.stringify(document)]);
      const expected = [...this.#model].sort(([left], [right]) => (left < right ? -1 : 1));
      if (JSON.stringify(entries) !== JSON.stringify(expected)) {
        const seen = new Map(entries);
        const lost = expected.filter(([key]) => !seen.has(key)).length;
        const invented = entries.filter(([key]) => !this.#model.has(key)).length;
        this.#fail(step, `${lost} documents lost, ${invented} invented, or others changed`);
        // What follows is measured against what is there.
        this.#model = seen;
      }
      const right = entries.filter(([, json]) => json.startsWith('{"group":3,')).map(([key]) => key);
      if (JSON.stringify(await this.#db.find("group", 3)) !== JSON.stringify(right)) this.#fail(step, "find gives other keys");
      const { problems } = await this.#db.check({ full: true });
      if (problems.length > 0) this.#fail(step, problems.join("; "));
    } catch (error) {
      this.#fail(step, error);
    }
  }

  async #open(step, more) {
    try {
      return await this.#host.Ferrolite.open(this.#host.name, { ...this.#options, ...more });
    } catch (error) {
      this.#fail(step, error);
      return undefined;
    }
  }

  /** The step must succeed, or may also be refused because the disk is full. Whether it succeeded. */
  async #expect(step, call, mayBeFull = false) {
    try {
      await call();
      return true;
    } catch (error) {
      if (!mayBeFull || error.code !== "StorageFull") this.#fail(step, error);
      return false;
    }
  }

  #fail(step, error) {
    this.failures.push(`${step}: ${error.code ?? ""} ${error.message ?? error}`);
  }
}
