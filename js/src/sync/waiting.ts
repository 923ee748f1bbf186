/** What waiting is to verbs that give values: nothing. */
import { FerroliteError } from "../error.js";

/** Does what may fail because the database is being closed, and has let go of it already. */
export function quietly(work: () => unknown): void {
  try {
    work();
  } catch {
    // It is done, then.
  }
}

/** What the function of a transaction comes to. It has to be done when it returns. */
export function outcome<R>(result: R): R {
  if (typeof (result as { then?: unknown } | null | undefined)?.then !== "function") return result;
  // Whatever becomes of it, nobody waits for it.
  (result as unknown as Promise<unknown>).then(undefined, () => {});
  throw new FerroliteError("InvalidTransaction", "this transaction cannot wait; give it a function that returns no promise");
}

/** What it met was its own doing: nothing changes by waiting. */
export function pause(_attempt: number, _tookMs: number): void {}
