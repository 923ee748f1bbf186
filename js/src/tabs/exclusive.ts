/** What wants a file for itself: while it is open anywhere it is `Locked`. */
import { FerroliteError } from "../error.js";
import { isRefused } from "../storage/capabilities.js";
import { setTimeout } from "../protocol/timers.js";
import { type Hold, nameOf, take } from "./locks.js";

/** Locks of who has just closed, or died, may still be there for a moment. */
const ATTEMPTS = 10;
const ATTEMPT_MS = 20;

/** Does `work` while nobody has the file open or waits for it; else it is `Locked`. */
export async function exclusively<T>(file: string, doing: string, work: () => Promise<T>): Promise<T> {
  const hold = await takeAlone(file, doing);
  try {
    return await work();
  } finally {
    await hold?.release();
  }
}

/** True if clients of a file can find each other here: a browser may refuse the channel. */
export function canBroadcast(): boolean {
  try {
    new BroadcastChannel(nameOf("")).close();
    return true;
  } catch {
    return false;
  }
}

/**
 * Takes the lock of a file that nobody has open or waits for; else it is `Locked`. Returns `undefined` in a context without locks:
 * no tabs share a file there.
 */
export async function takeAlone(file: string, doing: string, onLost?: () => void): Promise<Hold | undefined> {
  if (navigator.locks === undefined) return undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    let hold: Hold | undefined;
    try {
      hold = await take(nameOf(file), { ifAvailable: true }, onLost);
    } catch (thrown) {
      if (isRefused(thrown)) return undefined;
      throw FerroliteError.from(thrown, "Io");
    }
    if (hold !== undefined) {
      const { held = [] } = await navigator.locks.query();
      if (!held.some(({ name }) => name?.startsWith(`${nameOf(file)}/`))) return hold;
      await hold.release();
    }
    await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MS));
  }
  throw new FerroliteError("Locked", `it is open, here or in another tab; close it before ${doing} it`);
}
