/**
 * Values of the host's classes that may come from another realm: a frame, `node:vm`, the environment of a test runner.
 * `instanceof` does not know them, and the classes of the realm may be replaced, as zone.js does with `Promise`.
 */

/** The kind of an object, by what its class has put into it: "Date", "Uint8Array", "Error". */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

/** Whether it is a promise of some library, or of the host. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
