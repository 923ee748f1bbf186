/**
 * Web Locks. Who holds the lock of a file leads: it alone has an engine. Each client also holds a lock of its own as long as
 * it lives: who gets that knows that the client is gone, however it went.
 */
import { FerroliteError } from "../error.js";

/** Locks of who has just closed, or died, may still be there for a moment. */
const ATTEMPTS = 10;
const ATTEMPT_MS = 20;

/** A lock that is held. */
export interface Hold {
  /** Returns once others can have it. */
  release(): Promise<void>;
}

/** The lock, and the channel, of a file. */
export const nameOf = (file: string) => `ferrolite/${file}`;

/** The lock of a client, or of an engine. */
export const lifeOf = (file: string, id: string) => `${nameOf(file)}/${id}`;

/** Waits for a lock; `undefined` when it is not free and should not be waited for. `onLost` is called when it is stolen. */
export function take(name: string, options: LockOptions = {}, onLost?: () => void): Promise<Hold | undefined> {
  return new Promise((resolve, reject) => {
    let isHeld = false;
    const over = navigator.locks.request(name, options, (lock) => {
      if (lock === null) return resolve(undefined);
      isHeld = true;
      return new Promise<void>((release) => {
        resolve({
          release() {
            release();
            return over.then(() => {}, () => {});
          },
        });
      });
    });
    over.catch((thrown: unknown) => (isHeld ? onLost?.() : reject(thrown)));
  });
}

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
