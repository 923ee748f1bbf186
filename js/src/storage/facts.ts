/** What a browser tells about the storage of a site. */
import { clearTimeout, setTimeout } from "../protocol/timers.js";
import type { StorageFacts } from "../types.js";

/** How long facts wait for a browser that does not answer. */
const FACTS_WAIT_MS = 2_000;

const FOR_GOOD = "the browser keeps it until the user clears it";
const UNTIL_FULL = "the browser may clear it when the disk is full; Ferrolite.persist() asks it not to";

/** The facts of a database that a browser keeps. `place` says where it is, and why there. */
export async function browserFacts(kind: "opfs" | "indexeddb", path: string, place: string): Promise<StorageFacts> {
  const [persistent, estimate] = await Promise.all([isPersisted(), estimated()]);
  return { kind, persistent, path, reason: `${place}; ${persistent ? FOR_GOOD : UNTIL_FULL}`, ...estimate };
}

/** The facts as they are now. */
export async function refreshed(facts: StorageFacts): Promise<StorageFacts> {
  if (facts.kind !== "opfs" && facts.kind !== "indexeddb") return facts;
  const place = facts.reason.slice(0, facts.reason.lastIndexOf("; "));
  return browserFacts(facts.kind, facts.path ?? "", place);
}

/** True if the browser keeps the data of this site until the user clears it. */
export function isPersisted(): Promise<boolean> {
  return within(FACTS_WAIT_MS, storageManager()?.persisted?.(), false);
}

/** How much this site may keep, and how much it does, where the browser tells. */
export async function estimated(): Promise<{ quota?: number; usage?: number }> {
  const { quota, usage } = await within(FACTS_WAIT_MS, storageManager()?.estimate?.(), {} as StorageEstimate);
  return { ...(quota === undefined ? {} : { quota }), ...(usage === undefined ? {} : { usage }) };
}

/** It is there in secure contexts alone. */
export function storageManager(): StorageManager | undefined {
  return (globalThis.navigator as Navigator | undefined)?.storage;
}

/** What a promise comes to, unless it is late or fails. */
export async function within<T>(milliseconds: number, promise: Promise<T> | undefined, otherwise: T): Promise<T> {
  if (promise === undefined) return otherwise;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<T>((resolve) => (timer = setTimeout(() => resolve(otherwise), milliseconds)));
  try {
    return await Promise.race([promise.catch(() => otherwise), late]);
  } finally {
    clearTimeout(timer);
  }
}
