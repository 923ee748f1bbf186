/** Copies the secret that a caller has given. Its checks load when they are first used. */
import { isBytes } from "../arguments/realms.js";
import { KEY_BYTES, type KeyMaterial, wipe } from "../arguments/encryption.js";
import { deferred } from "./load-deferred.js";
import type { Encryption } from "../types.js";

/** Checks an encryption, and copies its secret before it returns. The copy is to be given to `wipe` in the end. */
export async function keyMaterial(encryption: Encryption): Promise<KeyMaterial> {
  const copy = isBytes(encryption?.key) && encryption.key.length === KEY_BYTES ? new Uint8Array(new ArrayBuffer(KEY_BYTES)) : undefined;
  copy?.set(encryption.key as Uint8Array);
  const given = copy === undefined ? encryption : { ...encryption, key: copy };
  try {
    return (await deferred()).keyMaterial(given as Encryption);
  } finally {
    copy?.fill(0);
  }
}

/**
 * Does `work` with a copy of the secret of an encryption, if there is one; it is wiped in the end. `materialOf` makes the copy.
 */
export async function withKey<T>(
  encryption: Encryption | undefined,
  work: (material: KeyMaterial | undefined) => Promise<T>,
  materialOf: (encryption: Encryption) => KeyMaterial | Promise<KeyMaterial> = keyMaterial,
): Promise<T> {
  const material = encryption === undefined ? undefined : await materialOf(encryption);
  try {
    return await work(material);
  } finally {
    wipe(material);
  }
}
