/** The options of `open`: which of them are this package's, and which the engine's. */
import { isWellFormed } from "./check.js";
import { FerroliteError } from "./error.js";
import type { PlainOptions } from "./protocol.js";
import type { OpenOptions, StorageFacts } from "./types.js";

/** What a database in memory says of itself. */
export const memoryFacts: StorageFacts = {
  kind: "memory",
  persistent: false,
  path: undefined,
  reason: 'storage: "memory" was asked for; nothing is kept after close()',
};

/**
 * Takes `storage` out of the options. The rest is the engine's, which looks at it itself and rejects what it does not
 * know. `durable` is the kind of durable storage that this host has.
 */
export function splitOptions(options: PlainOptions, durable: "opfs" | "file" = "opfs") {
  const { storage = "auto", ...rest } = options;
  // What is undefined was not said.
  const engine = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  if (storage !== "memory" && storage !== "auto" && storage !== durable) {
    const known = ["opfs", "file", "indexeddb"].includes(storage);
    throw known
      ? new FerroliteError("Unsupported", `storage: "${storage}" is not to be had on this host; there are "${durable}" and "memory"`)
      : new FerroliteError("InvalidOptions", `storage is "auto", "${durable}" or "memory", not ${JSON.stringify(storage)}`);
  }
  return { storage: storage === "auto" ? durable : storage, engine };
}

/** Throws unless these are what `open` takes. */
export function assertOpenArguments(name: unknown, options: unknown): asserts options is OpenOptions {
  assertName(name);
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new FerroliteError("InvalidOptions", "the options of open are an object");
  }
}

/** Throws unless this can be the name of a database. */
export function assertName(name: unknown): asserts name is string {
  if (typeof name === "string" && name !== "" && isWellFormed(name) && !name.includes("\0")) return;
  throw new FerroliteError("InvalidOptions", "the name of a database is a non-empty string");
}
