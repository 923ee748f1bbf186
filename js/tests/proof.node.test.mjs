// Who joins the engine of an encrypted database, and what each side learns of the other before and behind the proof.
import assert from "node:assert/strict";
import { afterEach, before, test } from "node:test";

import { Engine } from "../dist/tabs/engine.js";
import { PROTOCOL } from "../dist/tabs/messages.js";
import { proven } from "../dist/tabs/proving.js";

const FILE = "secret.ferrolite";
const LETTER_TERMS = Uint8Array.from({ length: 56 }, (_, at) => at + 100);
const by = {
  key: (fill) => ({ terms: { by: "key" }, secret: new Uint8Array(32).fill(fill) }),
  passphrase: (fill) => ({ terms: { by: "passphrase" }, secret: new TextEncoder().encode(`passphrase ${fill}`) }),
};
const open = [];

before(() => {
  // Nobody is ever gone here.
  const locks = { request: () => new Promise(() => {}) };
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  // The channels of engines do not keep the process alive.
  globalThis.BroadcastChannel = class extends BroadcastChannel {
    constructor(name) {
      super(name);
      this.unref();
    }
  };
});

afterEach(() => {
  for (const end of open.splice(0)) end();
});

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** An engine that is open with `encryption`, and everything that is said at its ports. */
async function started(encryption) {
  const said = [];
  const handled = [];
  let current = encryption && { ...encryption, secret: encryption.secret.slice() };
  const fail = (code) => {
    throw { code, message: code };
  };
  const session = {
    join: () => handled.push(["join"]),
    leave() {},
    close() {},
    handle(message) {
      handled.push([message.kind, message.id]);
      if (message.kind === "changeKey") current = { terms: message.encryption.terms, secret: message.encryption.secret.slice() };
    },
  };
  const own = new MessageChannel();
  const broker = new MessageChannel();
  const engineName = crypto.randomUUID();
  const engine = new Engine({ file: FILE, engine: engineName, client: "own", isSuccessor: false }, {
    session, facts: { kind: "opfs" }, ordered: (post) => post, look() {}, openedAt: undefined, letterTerms: () => LETTER_TERMS.slice(),
    files: undefined, options: {}, encryption, check: async () => {}, port: own.port1, tell() {},
    prove(material) {
      if ((material === undefined) !== (current === undefined)) fail(current === undefined ? "NotEncrypted" : "KeyRequired");
      if (material !== undefined && material.secret.join() !== current.secret.join()) fail("WrongKey");
    },
  });
  broker.port2.onmessage = () => broker.port2.postMessage({ kind: "known" });
  const starting = engine.start(Promise.resolve(broker.port1));
  open.push(() => {
    for (const { port1, port2 } of [own, broker]) [port1, port2].forEach((port) => port.close());
    own.port2.postMessage({ kind: "close", id: 1 });
  });
  await starting;
  /** A port to the engine; with `isOwn`, that of its own page. */
  const port = () => {
    const { port1, port2 } = new MessageChannel();
    open.push(() => port1.close());
    const post = port1.postMessage.bind(port1);
    port1.postMessage = (message, transfer) => {
      said.push(structuredClone(message));
      post(message, transfer);
    };
    port1.addEventListener("message", ({ data }) => data.kind !== "ready" && said.push(data));
    broker.port2.postMessage({ kind: "client" }, [port2]);
    return port1;
  };
  return { said, handled, port, name: engineName, own: own.port2 };
}

const joinOf = (client) => ({
  kind: "join", version: PROTOCOL, client, readOnly: false, options: undefined, canLead: true, isVisible: undefined, nonce: undefined,
});

/** Asks the engine for its proof. */
const ask = (engine, material, { client = crypto.randomUUID(), port = engine.port(), name = engine.name } = {}) =>
  proven(port, { file: FILE, engine: name, join: joinOf(client), materials: [material] });

/** Joins, and returns the port with what comes from it. */
async function joined(engine, material, options) {
  const outcome = await ask(engine, material, options);
  assert.equal(outcome.code, undefined);
  const got = [];
  const { port, answer } = outcome;
  const welcomed = new Promise((resolve) => {
    port.onmessage = ({ data }) => {
      got.push(data);
      resolve();
    };
  });
  port.postMessage(answer, []);
  await welcomed;
  return { port, got };
}

/** True if bytes are somewhere in a message. */
const holds = (message, bytes) => {
  if (message instanceof ArrayBuffer) return holds(new Uint8Array(message), bytes);
  if (message instanceof Uint8Array) return Buffer.from(message).includes(Buffer.from(bytes));
  return typeof message === "object" && message !== null && Object.values(message).some((field) => holds(field, bytes));
};

for (const [kind, of] of Object.entries(by)) {
  test(`with a ${kind} both prove that they know it, and no secret travels`, async () => {
    const engine = await started(of(1));
    const { got } = await joined(engine, of(1));
    assert.deepEqual([got[0].kind, got[0].letterTerms], ["welcome", LETTER_TERMS]);
    assert.deepEqual(engine.said.map(({ kind }) => kind), ["join", "challenge", "prove", "welcome"]);
    for (const secret of [of(1).secret, LETTER_TERMS.subarray(24)]) assert.equal(holds(engine.said, secret), false);
    assert.ok(holds(got, LETTER_TERMS.subarray(24)), "the test finds what is there");
  });

  test(`with another ${kind} the client says nothing but its name`, async () => {
    const engine = await started(of(1));
    assert.equal((await ask(engine, of(2))).code, "WrongKey");
    await sleep(20);
    assert.deepEqual(engine.said.map(({ kind }) => kind), ["join", "challenge"]);
    assert.deepEqual(engine.handled, []);
  });
}

test("a key is no passphrase of the same bytes", async () => {
  const engine = await started(by.key(1));
  assert.equal((await ask(engine, { terms: { by: "passphrase" }, secret: by.key(1).secret })).code, "WrongKey");
});

test("who has no key is refused, and who has one where there is none", async () => {
  const [encrypted, plain] = [await started(by.key(1)), await started(undefined)];
  const port = encrypted.port();
  port.onmessage = () => {};
  port.postMessage(joinOf("foreign"), []);
  await sleep(20);
  assert.deepEqual([encrypted.said.at(-1).kind, encrypted.said.at(-1).error.code], ["refused", "KeyRequired"]);
  assert.equal((await ask(plain, by.key(1))).code, "NotEncrypted");
  assert.deepEqual([encrypted.handled, plain.handled], [[], []]);
});

test("before its proof a client gets a challenge, and nothing else", async () => {
  const engine = await started(by.key(1));
  const port = engine.port();
  port.onmessage = () => {};
  const join = { ...joinOf(crypto.randomUUID()), nonce: "mine" };
  const proofs = [undefined, null, "x", new ArrayBuffer(0), new ArrayBuffer(32), crypto.getRandomValues(new Uint8Array(32)).buffer];
  for (const message of [
    { kind: "calls", id: 1, message: "[]" }, { kind: "visible", isVisible: true }, join, { kind: "calls", id: 2, message: "[]" },
    ...proofs.map((proof) => ({ kind: "prove", proof })), { kind: "changeKey", id: 3, encryption: by.key(2) },
  ]) {
    port.postMessage(message, []);
    await sleep(2);
  }
  await sleep(20);
  const answers = engine.said.filter(({ kind }) => ["welcome", "challenge", "refused", "rekeyed"].includes(kind));
  assert.deepEqual(answers.map(({ kind }) => kind), ["challenge"]);
  // Its own proof is not that of the client.
  port.postMessage({ kind: "prove", proof: answers[0].proof }, []);
  await sleep(20);
  assert.deepEqual(engine.handled, []);
});

test("what was said in one join is worth nothing in another", async () => {
  const engine = await started(by.key(1));
  await joined(engine, by.key(1));
  const [join, answer] = ["join", "prove"].map((kind) => engine.said.find((message) => message.kind === kind));
  const from = engine.said.length;
  const port = engine.port();
  port.onmessage = () => {};
  port.postMessage(join, []);
  await sleep(20);
  port.postMessage(answer, []);
  await sleep(20);
  assert.deepEqual(engine.said.slice(from).map(({ kind }) => kind).sort(), ["challenge", "join", "prove"]);
  assert.equal(engine.handled.length, 1);
});

/** A page that says that it leads, and answers a join with what `answer` makes of it. */
function pretender(answer) {
  const { port1, port2 } = new MessageChannel();
  const got = [];
  open.push(() => port1.close());
  port2.onmessage = async ({ data }) => {
    got.push(data);
    port2.postMessage(await answer(data));
  };
  return { port: port1, got };
}

test("a page that only claims to lead gets a nonce, whatever it answers", async () => {
  const engine = await started(by.key(1));
  const random = () => crypto.getRandomValues(new Uint8Array(32)).buffer;
  const salt = new Uint8Array(16);
  // The challenge of the real engine, for the same client by another name of the engine, or for another client.
  const relayed = (change) => async (join) => {
    const port = engine.port();
    return new Promise((resolve) => {
      port.onmessage = ({ data }) => data.kind === "challenge" && resolve(data);
      port.postMessage(change(join), []);
    });
  };
  const answers = [
    ["its own proof", engine.name, () => ({ kind: "challenge", nonce: "x", salt, proof: random() })],
    ["no proof", engine.name, () => ({ kind: "challenge", nonce: "x", salt, proof: new ArrayBuffer(0) })],
    ["a proof under another name", crypto.randomUUID(), relayed((join) => join)],
    ["a proof for another client", engine.name, relayed((join) => ({ ...join, client: crypto.randomUUID() }))],
    ["a proof for another join", engine.name, relayed((join) => ({ ...join, nonce: "other" }))],
    ["a proof for other rights", engine.name, relayed((join) => ({ ...join, readOnly: true }))],
  ];
  for (const [what, name, answer] of answers) {
    const page = pretender(answer);
    assert.equal((await ask(engine, by.key(1), { port: page.port, name })).code, "WrongKey", what);
    await sleep(5);
    assert.deepEqual(page.got.map(({ kind }) => kind), ["join"], what);
    assert.equal(holds(page.got, by.key(1).secret), false, what);
  }
  assert.deepEqual(engine.handled, []);
});

test("what is not an answer is ignored before the proof, a welcome too", async () => {
  const engine = await started(by.key(1));
  const port = engine.port();
  port.addEventListener("message", () => {});
  const asking = ask(engine, by.key(1), { port });
  for (const data of [null, "x", { kind: "welcome", facts: {}, options: {}, letterTerms: LETTER_TERMS }, { kind: "takeOver" },
    { kind: "challenge", nonce: 1 }, { kind: "challenge", nonce: "x", salt: [], proof: "x" }, { kind: "refused" }, { fatal: {} }]) {
    port.onmessage?.({ data });
  }
  assert.equal((await asking).answer.kind, "prove");
});

test("a new key travels sealed to all, and messages behind it wait", async () => {
  const engine = await started(by.key(1));
  const port = engine.port();
  const [first, second] = [await joined(engine, by.key(1), { port }), await joined(engine, by.key(1))];
  engine.own.postMessage({ ...joinOf("own") });
  const own = [];
  engine.own.onmessage = ({ data }) => own.push(data);
  await sleep(20);
  first.port.postMessage({ kind: "calls", id: 1, message: "[]" }, []);
  first.port.postMessage({ kind: "changeKey", id: 2, encryption: by.passphrase(2) }, []);
  first.port.postMessage({ kind: "calls", id: 3, message: "[]" }, []);
  await sleep(50);
  // The session of this test does not answer it.
  assert.deepEqual(engine.handled.slice(-2), [["calls", 1], ["changeKey", 2]]);
  for (const { got } of [second, { got: own }]) assert.deepEqual(got.at(-1).encryption, by.passphrase(2));
  assert.equal(holds(engine.said, by.passphrase(2).secret), false);
  // It is tried once more by whoever has heard it.
  const changing = engine.said.find(({ kind }) => kind === "changeKey");
  const raw = engine.said.filter(({ kind }) => kind === "rekeyed");
  assert.equal(raw.length, 2);
  const handled = engine.handled.length;
  const foreign = { ...changing, id: 9 };
  for (const message of [changing, foreign, { kind: "changeKey", id: 9, encryption: by.key(7) }]) port.postMessage(message, []);
  await sleep(20);
  assert.equal(engine.handled.length, handled);
});
