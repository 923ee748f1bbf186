/** Copies the secret that a caller has given. The checks are part of the script, so no promise is needed. */
import type { KeyMaterial } from "../arguments/encryption.js";
import { keyMaterial as copied } from "../arguments/key-material.js";
import type { Encryption } from "../types.js";

/** Checks an encryption, and copies its secret. The caller gives the copy to `wipe` in the end. */
export const keyMaterial: (encryption: Encryption) => KeyMaterial = copied;
