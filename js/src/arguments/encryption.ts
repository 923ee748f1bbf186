/**
 * What opens an encrypted database, on its way from the caller to the engine.
 *
 * The secret travels as bytes of its own, apart from the other options and never as text: a copy is made of what the
 * caller gave, its buffer is transferred to the worker where there is one, and everybody who owned it wipes it when it is
 * no longer needed, also when opening failed. No message says anything of it.
 */
import type { Argon2Costs, Cipher } from "../types.js";

/** Bytes of a key. */
export const KEY_BYTES = 32;

/** What is said of a secret. */
interface Terms {
  readonly by: "key" | "passphrase";
  readonly cipher?: Cipher;
  readonly argon2?: Argon2Costs;
}

/** A secret that is ours to wipe, and its terms. */
export interface KeyMaterial {
  readonly terms: Terms;
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** Another copy of a secret, to be given to `wipe` in the end, too. */
export function copyOf(material: KeyMaterial | undefined): KeyMaterial | undefined {
  return material && { terms: material.terms, secret: material.secret.slice() };
}

/** Makes a secret zero; one that was transferred is no longer here. */
export function wipe(material: KeyMaterial | undefined): void {
  if (material !== undefined && material.secret.byteLength > 0) material.secret.fill(0);
}
