/** The options of `open` that are about where the data is: the engine does not see them. */
import { FerroliteError } from "../error.js";
import type { PlainOptions } from "./options.js";
import type { StorageFacts } from "../types.js";

/** What a database in memory says of itself. */
export const memoryFacts: StorageFacts = {
  kind: "memory",
  persistent: false,
  path: undefined,
  reason: 'storage: "memory" was asked for; nothing is kept after close()',
};

/** The options of `open` that are about where the data is. */
export interface StorageOptions {
  readonly storage: "auto" | "opfs" | "indexeddb" | "file" | "memory";
  /** True if `"auto"` may end in memory. */
  readonly allowMemory: boolean;
  /** Bytes that a database may have whose host holds all of it in memory. */
  readonly memoryLimit: number;
  /** Milliseconds for which a lock is waited for. */
  readonly lockTimeout: number;
}

const MEMORY_LIMIT = 256 << 20;
const MEMORY_LIMIT_MIN = 1 << 20;
/** A day. */
const LOCK_TIMEOUT_MAX = 86_400_000;

/**
 * Takes out of the options those that are about where the data is. The rest is the engine's, which looks at it itself and
 * rejects what it does not know. `durable` are the kinds of durable storage that this host has.
 */
export function splitOptions(options: PlainOptions, durable: readonly ("opfs" | "indexeddb" | "file")[] = ["opfs", "indexeddb"]) {
  const { storage = "auto", allowMemory = false, memoryLimit = MEMORY_LIMIT, lockTimeout = 0, ...rest } = options;
  // What is undefined was not said.
  const engine = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  if (storage !== "memory" && storage !== "auto" && !durable.includes(storage)) {
    const known = ["opfs", "file", "indexeddb"].includes(storage);
    const kinds = durable.map((kind) => `"${kind}"`).join(", ");
    throw known
      ? new FerroliteError("Unsupported", `storage: "${storage}" is not to be had on this host; there are ${kinds} and "memory"`)
      : new FerroliteError("InvalidOptions", `storage is "auto", ${kinds} or "memory", not ${JSON.stringify(storage)}`);
  }
  if (typeof allowMemory !== "boolean") throw new FerroliteError("InvalidOptions", "allowMemory is true or false");
  if (!Number.isSafeInteger(memoryLimit) || memoryLimit < MEMORY_LIMIT_MIN) {
    throw new FerroliteError("InvalidOptions", `memoryLimit is a whole number of bytes from ${MEMORY_LIMIT_MIN} on`);
  }
  if (typeof lockTimeout !== "number" || !(lockTimeout >= 0 && lockTimeout <= LOCK_TIMEOUT_MAX)) {
    throw new FerroliteError("InvalidOptions", `lockTimeout must be a number of milliseconds from 0 to ${LOCK_TIMEOUT_MAX}`);
  }
  return { place: { storage, allowMemory, memoryLimit, lockTimeout } satisfies StorageOptions, engine };
}
