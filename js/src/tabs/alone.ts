/** What wants a file for itself: while it is open anywhere it is `Locked`. */
import { FerroliteError } from "../error.js";
import { setTimeout } from "../timers.js";
import { type Hold, nameOf, take } from "./locks.js";

/** Locks of who has just closed, or died, may still be there for a moment. */
const ATTEMPTS = 10;
const ATTEMPT_MS = 20;

/** Does `work` while nobody has the file open or waits for it; else it is `Locked`. */
export async function exclusively<T>(file: string, doing: string, work: () => Promise<T>): Promise<T> {
  // Without locks there are no tabs that share, and nothing to share: `work` tells why.
  if (navigator.locks === undefined) return work();
  const hold = await takeAlone(file, doing);
  try {
    return await work();
  } finally {
    await hold.release();
  }
}

/** The lock of a file that nobody has open or waits for; else it is `Locked`. */
export async function takeAlone(file: string, doing: string, onLost?: () => void): Promise<Hold> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const hold = await take(nameOf(file), { ifAvailable: true }, onLost);
    if (hold !== undefined) {
      const { held = [] } = await navigator.locks.query();
      if (!held.some(({ name }) => name?.startsWith(`${nameOf(file)}/`))) return hold;
      await hold.release();
    }
    await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MS));
  }
  throw new FerroliteError("Locked", `it is open, here or in another tab; close it before ${doing} it`);
}
