/**
 * Web Locks. Who holds the lock of a file leads: it alone has an engine. Each client also holds a lock of its own as long as
 * it lives: who gets that knows that the client is gone, however it went.
 */

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
