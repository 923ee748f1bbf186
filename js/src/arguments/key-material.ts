/** What opens an encrypted database: its checks, and the copy of the secret. */
import { isBytes } from "./realms.js";
import { isWellFormed, plain } from "./check.js";
import { KEY_BYTES, type KeyMaterial } from "./encryption.js";
import { FerroliteError } from "../error.js";
import type { Argon2Costs, Cipher, Encryption } from "../types.js";

/** A UTF-16 code unit is at most so many bytes of UTF-8. */
const UTF8_BYTES_PER_UNIT_MAX = 3;
const CIPHERS: readonly unknown[] = ["aes-256-gcm", "chacha20-poly1305"] satisfies Cipher[];
const COSTS = ["memoryKib", "iterations", "lanes"] as const;

/** Checks an encryption, and copies its secret. The copy is to be given to `wipe` in the end. */
export function keyMaterial(encryption: Encryption): KeyMaterial {
  // Whoever gives the secret itself must not find it in the message.
  if (typeof encryption !== "object" || encryption === null || Array.isArray(encryption) || ArrayBuffer.isView(encryption)) {
    throw invalid("encryption is an object: { key } or { passphrase }, with cipher and argon2 if need be");
  }
  plain("InvalidOptions", "encryption", encryption, ["key", "passphrase", "cipher", "argon2"]);
  const { key, passphrase, cipher, argon2 } = encryption;
  if ((key === undefined) === (passphrase === undefined)) {
    throw invalid("encryption has either a key or a passphrase");
  }
  const terms = {
    by: key === undefined ? ("passphrase" as const) : ("key" as const),
    ...(cipher === undefined ? {} : { cipher: checkedCipher(cipher) }),
    ...(argon2 === undefined ? {} : { argon2: checkedCosts(argon2) }),
  };
  return { terms, secret: key === undefined ? passphraseBytes(passphrase) : keyBytes(key) };
}

// Both have a buffer of their own: the bytes of a small array may lie in it, where the garbage collector copies them.

function keyBytes(key: unknown): Uint8Array<ArrayBuffer> {
  if (!isBytes(key)) throw invalid("a key is a Uint8Array");
  const { length } = key;
  if (length !== KEY_BYTES) throw invalid(`a key has ${KEY_BYTES} bytes, not ${length}`);
  const secret = new Uint8Array(new ArrayBuffer(KEY_BYTES));
  secret.set(key);
  return secret;
}

function passphraseBytes(passphrase: unknown): Uint8Array<ArrayBuffer> {
  if (typeof passphrase !== "string") throw invalid("a passphrase is a string");
  if (passphrase === "") throw invalid("a passphrase must not be empty");
  if (!isWellFormed(passphrase)) throw invalid("the passphrase has half a surrogate pair and is no text");
  const room = new Uint8Array(new ArrayBuffer(passphrase.length * UTF8_BYTES_PER_UNIT_MAX));
  return room.subarray(0, new TextEncoder().encodeInto(passphrase, room).written);
}

function checkedCipher(cipher: unknown): Cipher {
  if (CIPHERS.includes(cipher)) return cipher as Cipher;
  throw invalid(`the cipher of encryption is ${CIPHERS.map((name) => JSON.stringify(name)).join(" or ")}`);
}

function checkedCosts(costs: Argon2Costs): Argon2Costs {
  plain("InvalidOptions", "argon2", costs, COSTS);
  const given = COSTS.filter((name) => costs[name] !== undefined).map((name) => [name, costs[name]] as const);
  for (const [name, value] of given) {
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32) continue;
    throw invalid(`argon2: ${name} is a whole number`);
  }
  return Object.fromEntries(given);
}

function invalid(message: string): FerroliteError {
  return new FerroliteError("InvalidOptions", message);
}
