/** ChaCha20-Poly1305 (RFC 8439) without promises: a page that goes away has no time for those of WebCrypto. */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";

export const NONCE_BYTES = 12;

/** The text, encrypted, with its tag behind it. A nonce is for one text alone. */
export function seal(key: Uint8Array, nonce: Uint8Array, text: Uint8Array, about: Uint8Array): Uint8Array {
  return chacha20poly1305(key, nonce, about).encrypt(text);
}

/** The text of what was sealed; `undefined` if the key or any byte is another one. */
export function unseal(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, about: Uint8Array): Uint8Array | undefined {
  try {
    return chacha20poly1305(key, nonce, about).decrypt(sealed);
  } catch {
    return undefined;
  }
}
