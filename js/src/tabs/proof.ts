/**
 * The proof by which client and engine of an encrypted database know that the other one has its secret. The secret itself never
 * travels: any script of the origin can claim to lead, or to be a client.
 *
 * ```text
 * client ── join, with a nonce ───────────────────────────▶ engine     said: the file, the engine's name, the join,
 *        ◀─ challenge: nonce, salt, HMAC(K, engine, said) ─                  the engine's nonce
 *        ── prove: HMAC(K, client, said) ─────────────────▶            K: PBKDF2-HMAC-SHA-256 of the secret and the salt
 *        ◀─ welcome, responses ────────────────────────────
 * ```
 *
 * - The engine proves first. A script that only claims to lead gets nothing that it could test passphrases with.
 * - `said` names both sides, and has a nonce of each. So a proof is worth nothing in another join, and neither side's is the other's.
 * - Secrets that travel later, those of `changeKey` and `rekeyed` and the key of letters, are sealed by AES-256-GCM. Each has a key
 *   of its own, HMAC(K, what it is, said), so the nonce is constant. `what it is` must be another one for each text of a join.
 *
 * All of this is WebCrypto's, which exists wherever Web Locks do. Its `verify` compares in constant time.
 */
import type { KeyMaterial } from "../arguments/encryption.js";

/** OWASP's count for passphrases. A key is random: nobody can guess it. */
const ITERATIONS = 600_000;

const { subtle } = crypto;
const gcm = { name: "AES-GCM", iv: new Uint8Array(12) };

type Bytes = Uint8Array<ArrayBuffer>;

/** What both sides of a join know, once they have proven it. */
export interface Agreed {
  /** K. */
  readonly key: CryptoKey;
  readonly said: readonly unknown[];
}

/** Computes K. A salt belongs to one file. */
export async function keyOf({ terms, secret }: KeyMaterial, salt: Bytes): Promise<CryptoKey> {
  const iterations = terms.by === "key" ? 1 : ITERATIONS;
  const base = await subtle.importKey("raw", secret, "PBKDF2", false, ["deriveKey"]);
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  return subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, base, hmac, false, ["sign", "verify"]);
}

const textOf = (what: unknown, { said }: Agreed) => new TextEncoder().encode(JSON.stringify([what, said]));

/** Computes the proof of a side. */
export function proofOf(agreed: Agreed, side: "engine" | "client" | readonly unknown[]): Promise<ArrayBuffer> {
  return subtle.sign("HMAC", agreed.key, textOf(side, agreed));
}

/** True if this is the proof of a side that knows the secret. */
export function isProof(agreed: Agreed, side: "engine" | "client", proof: ArrayBuffer): Promise<boolean> {
  return subtle.verify("HMAC", agreed.key, proof, textOf(side, agreed));
}

async function sealKeyOf(agreed: Agreed, what: readonly unknown[]): Promise<CryptoKey> {
  return subtle.importKey("raw", await proofOf(agreed, what), gcm, false, ["encrypt", "decrypt"]);
}

/** Seals bytes. Where nothing had to be proven, as between a page and its own worker, they stay as they are. */
export async function sealed(agreed: Agreed | undefined, what: readonly unknown[], bytes: Bytes): Promise<Bytes> {
  if (agreed === undefined) return bytes;
  // Whoever owns the bytes may wipe them at once.
  const text = bytes.slice();
  const ciphertext = await subtle.encrypt(gcm, await sealKeyOf(agreed, what), text);
  text.fill(0);
  return new Uint8Array(ciphertext);
}

/** Opens what `sealed` has returned. Rejects if `what` or any byte is another one. */
export async function unsealed(agreed: Agreed | undefined, what: readonly unknown[], bytes: Bytes): Promise<Bytes> {
  return agreed === undefined ? bytes : new Uint8Array(await subtle.decrypt(gcm, await sealKeyOf(agreed, what), bytes));
}
