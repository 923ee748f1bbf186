/**
 * Values of the host's classes that may come from another realm: a frame, `node:vm`, the environment of a test runner.
 * `instanceof` does not know them, and the classes of the realm may be replaced, as zone.js does with `Promise`.
 */
import { kindOf } from "../brand.js";

/** True if a document is bytes, and not JSON. */
export function isBytes(document: unknown): document is Uint8Array {
  return ArrayBuffer.isView(document) && kindOf(document) === "Uint8Array";
}

/** True if it is a promise of some library, or of the host. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
