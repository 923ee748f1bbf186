// A million documents under wasmtime: loads them through the WASI program, reads them back, deletes nine of ten and
// compacts. Everything that is read is compared with what was written; times, memory and sizes are printed.
//
// Usage: node bench/run/million.mjs [DOCUMENTS]       (default 1000000; about 300 bytes each, keys in random order)
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const COUNT = Number(process.argv[2] ?? 1_000_000);
const GETS = Math.min(10_000, COUNT);
const DELETED_AT_ONCE = 1000;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");
const module = join(root, "dist/ferrolite.wasm");
const folder = join(root, "dist/million");
const file = "million.ferrolite";
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

/** A bijection of the 32-bit integers (the finalizer of MurmurHash3): unique, and in random order. */
function scatter(number) {
  let mixed = number >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

const hex = (number) => number.toString(16).padStart(8, "0");
const keyOf = (index) => `user:${hex(scatter(index))}`;

/** The document of an index, about 300 bytes of JSON; the digits in it do not compress. */
function jsonOf(index) {
  const random = (salt) => scatter(index ^ Math.imul(salt, 0x9e3779b9));
  return JSON.stringify({
    id: index,
    name: `user ${hex(random(1))}`,
    age: random(2) % 100,
    active: random(3) % 2 === 0,
    address: {
      city: `city ${random(4) % 1000}`,
      street: `${hex(random(5))} street ${random(6) % 300}`,
      zip: `${random(7) % 100000}`,
    },
    tags: [`tag ${random(8) % 50}`, `tag ${random(9) % 50}`],
    score: (random(10) % 100000) / 100,
    note: [11, 12, 13, 14].map((salt) => hex(random(salt))).join(" "),
    token: [15, 16, 17, 18].map((salt) => hex(random(salt))).join(""),
  });
}

const lineOf = (index) => `{"key":"${keyOf(index)}","value":${jsonOf(index)}}\n`;

/** Runs the program; `write` feeds its input, `read` gets its output in pieces. Gives seconds and peak memory. */
async function run(args, { write, read } = {}) {
  const start = performance.now();
  const child = spawn("wasmtime", ["run", "--dir", ".", module, ...args], { cwd: folder, stdio: ["pipe", "pipe", "inherit"] });
  let peak = 0;
  const sample = () => {
    try {
      peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0) * 1024 || peak;
    } catch {
      // It has ended, or this system does not tell.
    }
  };
  const sampling = setInterval(sample, 20);
  const ended = once(child, "close");
  child.stdin.on("error", () => {});
  child.stdout.on("data", (piece) => read?.(piece));
  for (const piece of write?.() ?? []) {
    if (!child.stdin.write(piece)) await Promise.race([once(child.stdin, "drain"), ended]);
  }
  child.stdin.end();
  const [code] = await ended;
  clearInterval(sampling);
  if (code !== 0) throw new Error(`ferrolite ${args.join(" ")} has ended with ${code}`);
  return { seconds: (performance.now() - start) / 1000, peak };
}

/** `pieces` joined to larger ones, which cross a pipe faster. */
function* chunks(pieces) {
  let chunk = "";
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length > 1 << 18) {
      yield chunk;
      chunk = "";
    }
  }
  yield chunk;
}

function* indexes(wanted = () => true) {
  for (let index = 0; index < COUNT; index++) if (wanted(index)) yield index;
}

function* map(items, change) {
  for (const item of items) yield change(item);
}

const number = (value) => value.toLocaleString("en", { maximumFractionDigits: 1 });
const megabytes = (bytes) => `${number(bytes / (1 << 20))} MiB`;
const fileSize = () => statSync(join(folder, file)).size;
const print = (what, ...facts) => console.log(`${what.padEnd(34)}${facts.join(", ")}`);
const memory = (peak) => (peak > 0 ? `peak memory ${megabytes(peak)}` : "peak memory not known here");

/** Dumps the database and compares it with the documents of the indexes that are `wanted`. */
async function verify(what, wanted) {
  const order = [...indexes(wanted)].sort((a, b) => scatter(a) - scatter(b));
  const expected = createHash("sha256");
  for (const chunk of chunks(map(order, lineOf))) expected.update(chunk);
  const actual = createHash("sha256");
  let lines = 0;
  const { seconds, peak } = await run(["dump", file, "--plain"], {
    read: (piece) => {
      actual.update(piece);
      for (const byte of piece) if (byte === 10) lines++;
    },
  });
  const [wantedDigest, digest] = [expected.digest("hex"), actual.digest("hex")];
  if (lines !== order.length || digest !== wantedDigest) {
    throw new Error(`${what}: ${lines} documents with digest ${digest}, not ${order.length} with ${wantedDigest}`);
  }
  print(what, `${number(lines)} documents in ${number(seconds)} s`, `sha256 ${digest.slice(0, 16)} is right`, memory(peak));
}

/** The shortest of five runs of `get`: starting the program, opening the file, reading one document. */
async function timeToOpen(name, key) {
  const times = [];
  for (let n = 0; n < 5; n++) times.push((await run(["get", name, key])).seconds * 1000);
  return Math.min(...times);
}

// wasmtime compiles the program when it meets it first, and remembers that.
await run(["--version"]);

let bytes = 0;
const loaded = await run(["load", file], {
  write: () =>
    chunks(
      map(indexes(), (index) => {
        const line = lineOf(index);
        bytes += line.length;
        return line;
      }),
    ),
});
print(
  "load",
  `${number(COUNT)} documents`,
  `${megabytes(bytes)} of JSON`,
  `${number(loaded.seconds)} s`,
  `${number(COUNT / loaded.seconds)} a second`,
  memory(loaded.peak),
);
print("file after loading", megabytes(fileSize()));

await run(["set", "small.ferrolite", keyOf(0), jsonOf(0)]);
const small = await timeToOpen("small.ferrolite", keyOf(0));
const large = await timeToOpen(file, keyOf(0));
print("start, open, get one document", `${number(large)} ms`, `${number(small)} ms with a database of one document`);

await verify("scan of everything", () => true);

const asked = Array.from({ length: GETS }, (_, n) => scatter(n ^ 0x5bd1e995) % COUNT);
let answers = "";
const got = await run(["repl", file, "--read-only"], {
  write: () => chunks(map(asked, (index) => `GET ${keyOf(index)}\n`)),
  read: (piece) => {
    answers += piece;
  },
});
const wrong = answers
  .split("\n")
  .slice(0, -1)
  .filter((answer, n) => answer !== jsonOf(asked[n])).length;
if (wrong > 0 || answers.split("\n").length !== GETS + 1) throw new Error(`${wrong} of ${GETS} gets were wrong`);
print("random gets", `${number(GETS)} right`, `${number((got.seconds * 1e6) / GETS)} us each, start included`, memory(got.peak));

const stays = (index) => index % 10 === 0;
const doomed = [...indexes((index) => !stays(index))];
const deletions = Array.from(
  { length: Math.ceil(doomed.length / DELETED_AT_ONCE) },
  (_, n) =>
    `DELETE ${doomed
      .slice(n * DELETED_AT_ONCE, (n + 1) * DELETED_AT_ONCE)
      .map(keyOf)
      .join(" ")}\n`,
);
const deleted = await run(["repl", file], { write: () => deletions });
print("delete nine of ten", `${number(doomed.length)} documents in ${number(deleted.seconds)} s`, memory(deleted.peak));
const before = fileSize();
const compacted = await run(["compact", file]);
print(
  "compact",
  `${megabytes(before)} before`,
  `${megabytes(fileSize())} after`,
  `${number(compacted.seconds)} s`,
  memory(compacted.peak),
);
await verify("scan of what is left", stays);
await run(["check", file]);
print("check", "no damage found");
rmSync(folder, { recursive: true, force: true });
