// Letters that a page leaves: what is read is what was written, to this file, by this key, and nothing else.
import assert from "node:assert/strict";
import { createCipheriv, randomBytes } from "node:crypto";
import { beforeEach, test } from "node:test";

import { dropLetters, letterKeys } from "../dist/tabs/letterbox.js";
import { Letters } from "../dist/tabs/letters.js";
import { seal, unseal } from "../dist/tabs/seal.js";

const FILE = "notes.ferrolite";
const bytes = (length) => new Uint8Array(randomBytes(length));

/** A storage as browsers have it. */
function newStorage(charactersMax = Infinity) {
  const storage = Object.create({
    getItem: (key) => (Object.hasOwn(storage, key) ? storage[key] : null),
    removeItem: (key) => void delete storage[key],
    setItem(key, value) {
      if (value.length > charactersMax) throw new DOMException("full", "QuotaExceededError");
      storage[key] = value;
    },
  });
  return storage;
}

/** The terms of a file, as the engine gives them. */
const termsOf = (id, key = new Uint8Array()) => Uint8Array.from([...new Uint8Array(16).fill(id), ...new Uint8Array(8), ...key]);

function lettersOf(client, terms) {
  const letters = new Letters(FILE, client);
  letters.setTerms(terms);
  return letters;
}

const requests = [
  { kind: "calls", id: 3, message: '[["set","ü",1]]' },
  { kind: "stats", id: 4 },
  { kind: "changeKey", id: 5, encryption: { terms: {}, secret: bytes(32) } },
  { kind: "calls", id: 6, message: bytes(10_000) },
];
const calls = requests.filter(({ kind }) => kind === "calls");

beforeEach(() => {
  globalThis.localStorage = newStorage();
});

test("the seal is ChaCha20-Poly1305", () => {
  for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 1000]) {
    const [key, nonce, text, about] = [bytes(32), bytes(12), bytes(length), bytes(length % 40)];
    const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
    cipher.setAAD(about, { plaintextLength: length });
    const expected = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
    const sealed = seal(key, nonce, text.slice(), about);
    assert.deepEqual(Buffer.from(sealed), expected);
    assert.deepEqual(unseal(key, nonce, sealed, about), text);
    for (let at = 0; at < sealed.length; at += 7) {
      const changed = sealed.slice();
      changed[at] ^= 1;
      assert.equal(unseal(key, nonce, changed, about), undefined);
    }
    assert.equal(unseal(key, nonce, sealed.slice(1), about), undefined);
    assert.equal(unseal(key, nonce, sealed, Uint8Array.from([...about, 0])), undefined);
  }
});

for (const [kind, key] of [["plain", undefined], ["sealed", bytes(32)]]) {
  test(`a ${kind} letter is read as it was written, until it was delivered`, () => {
    lettersOf("one", termsOf(1, key)).write(requests);
    const reader = lettersOf("two", termsOf(1, key));
    const [letter, ...others] = reader.read();
    assert.deepEqual([letter.client, letter.calls, others], ["one", calls, []]);
    assert.deepEqual(reader.read(), [], "it was handed over");
    reader.forget();
    assert.equal(reader.read().length, 1, "to another engine it is handed again");
    // It has grown meanwhile.
    lettersOf("one", termsOf(1, key)).write([...requests, { kind: "calls", id: 7, message: "[]" }]);
    reader.delivered([letter.key]);
    assert.deepEqual(reader.read().map(({ calls }) => calls.length), [3]);
    reader.delivered([letter.key]);
    assert.deepEqual(letterKeys(FILE), []);
  });

  test(`a ${kind} letter to another file is none`, () => {
    for (const terms of [termsOf(2, key), termsOf(1, bytes(32))]) {
      lettersOf("one", termsOf(1, key)).write(requests);
      assert.deepEqual(lettersOf("two", terms).read(), []);
      assert.deepEqual(letterKeys(FILE), []);
    }
  });
}

test("what is sealed tells nothing, and stays in its place", () => {
  const key = bytes(32);
  // The bracket is in no base64, in which three letters would come up by chance.
  const call = /\[\\*"set/;
  lettersOf("one", termsOf(1)).write(requests);
  const [place] = letterKeys(FILE);
  assert.match(localStorage[place], call);
  lettersOf("one", termsOf(1, key)).write(requests);
  assert.doesNotMatch(localStorage[place], call);
  localStorage[place.replace("one", "three")] = localStorage[place];
  assert.deepEqual(lettersOf("two", termsOf(1, key)).read().map(({ client }) => client), ["one"]);
});

test("one's own letter is not read, and ends with the last message", () => {
  const letters = lettersOf("one", termsOf(1));
  letters.write(requests);
  assert.deepEqual(letters.read(), []);
  letters.write(requests.filter(({ kind }) => kind === "stats"));
  assert.deepEqual(letterKeys(FILE), []);
});

test("a letter has the messages that fit, from the first on", () => {
  const long = (id) => ({ kind: "calls", id, message: "x".repeat(400_000) });
  lettersOf("one", termsOf(1)).write([1, 2, 3, 4].map(long));
  assert.deepEqual(lettersOf("two", termsOf(1)).read()[0].calls.map(({ id }) => id), [1, 2]);
});

test("a storage that is full, damaged or forbidden is no error", () => {
  globalThis.localStorage = newStorage(10);
  lettersOf("one", termsOf(1)).write(requests);
  assert.deepEqual(letterKeys(FILE), []);
  globalThis.localStorage = newStorage();
  for (const value of ["", "{", "null", '{"file":1}', JSON.stringify({ file: "AQEBAQEBAQEBAQEBAQEBAQ==", sentMs: 1, text: "[[1]" })]) {
    localStorage.setItem(`ferrolite-letters/${FILE}/x`, value);
    assert.deepEqual(lettersOf("two", termsOf(1)).read(), []);
  }
  Object.defineProperty(globalThis, "localStorage", { get: () => assert.fail("forbidden"), configurable: true });
  lettersOf("one", termsOf(1)).write(requests);
  assert.deepEqual(lettersOf("two", termsOf(1)).read(), []);
  dropLetters(FILE);
  Object.defineProperty(globalThis, "localStorage", { value: undefined, writable: true, configurable: true });
});
