// Where secrets are left: in the engine's memory, and in what is handed to it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { Ferrolite } from "ferrolite";

import { Channel } from "../dist/protocol/channel.js";
import { Session } from "../dist/protocol/session.js";
import { temporaryDirectory } from "./support/files.mjs";

const directory = temporaryDirectory();
const argon2 = { memoryKib: 64, iterations: 1 };

/** The memory of the engine that the package loads, when it first opens a database. */
let memory;
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...of) => {
  const result = await instantiate(...of);
  memory = (result.instance ?? result).exports.memory;
  return result;
};

/** How often the engine's memory holds these bytes. */
function count(secret) {
  const bytes = Buffer.from(memory.buffer);
  let hits = 0;
  for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at + 1)) hits++;
  return hits;
}

const randomKey = () => crypto.getRandomValues(new Uint8Array(32));
/** A text of a passphrase that is not in memory for another reason. */
const randomPassphrase = () => Buffer.from(randomKey()).toString("hex");

test("the engine forgets a passphrase at once, and a key when the database is closed", async () => {
  const passphrase = randomPassphrase();
  const key = randomKey();
  const name = join(directory, "forgets");
  let db = await Ferrolite.open(name, { encryption: { passphrase, argon2 } });
  assert.equal(count(Buffer.from(passphrase)), 0);
  await db.changeKey({ key });
  assert.ok(count(key) > 0, "the search finds what is there: the key is wanted for rotations");
  await db.set("a", 1);
  await db.close();
  assert.equal(count(key), 0);

  db = await Ferrolite.open(name, { encryption: { key } });
  await db.rotateKey();
  await db.changeKey({ passphrase, argon2 });
  assert.equal(count(Buffer.from(passphrase)), 0);
  await db.close();
  assert.equal(count(key), 0);
});

test("the engine forgets the secrets of what fails", async () => {
  const key = randomKey();
  const name = join(directory, "fails");
  await (await Ferrolite.open(name, { encryption: { key } })).close();
  const wrong = randomKey();
  const passphrase = randomPassphrase();
  await assert.rejects(Ferrolite.open(name, { encryption: { key: wrong } }), { code: "WrongKey" });
  await assert.rejects(Ferrolite.open(name, { encryption: { passphrase, argon2 } }), { code: "WrongKey" });
  await assert.rejects(Ferrolite.open(name, { encryption: { key }, pageSizes: 5 }), { code: "InvalidOptions" });
  await assert.rejects(Ferrolite.open(name, { encryption: { key, argon2: { lanes: 99 } } }), { code: "InvalidOptions" });
  await assert.rejects(Ferrolite.salvage(name, `${name}-out`, { encryption: { key: wrong } }), { code: "WrongKey" });
  await Ferrolite.salvage(name, `${name}-out`, { encryption: { key } });
  for (const secret of [key, wrong, Buffer.from(passphrase)]) assert.equal(count(secret), 0);
});

test("the channel hands a secret over, and the session wipes it", async () => {
  const transferred = [];
  const channel = new Channel((request, transfer) => {
    transferred.push(...transfer);
    session.handle(request);
  });
  const seen = [];
  const connection = {
    changeKey(client, terms, secret) {
      seen.push([client, terms, [...secret]]);
      if (terms.by === "key") throw { code: "NotEncrypted", message: "not encrypted" };
    },
    hasTasks: () => false,
    nextSync: () => undefined,
  };
  const session = new Session(connection, { soon() {}, later: () => () => {} }, (response) => channel.receive(response));
  for (const by of ["passphrase", "key"]) {
    const secret = Uint8Array.of(1, 2, 3);
    const changed = channel.request({ kind: "changeKey", encryption: { terms: { by }, secret } });
    if (by === "key") await assert.rejects(changed, { code: "NotEncrypted" });
    else await changed;
    assert.deepEqual(transferred.splice(0), [secret.buffer]);
    assert.deepEqual(seen.splice(0), [[0, { by }, [1, 2, 3]]]);
    assert.deepEqual([...secret], [0, 0, 0]);
  }
  const opened = channel.request({ kind: "open", name: "a", options: {}, encryption: undefined });
  opened.catch(() => {});
  assert.deepEqual(transferred, []);
});
