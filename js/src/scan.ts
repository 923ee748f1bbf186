import type { Caller } from "./caller.js";

/** One page of a scan. */
interface Page {
  readonly rows: [string, unknown][];
  /** What the next page is asked for with; there is none when it is left out. */
  readonly cursor?: number;
}

/** Goes through what the call `open` begins, a page at a time. */
export async function* scan<T>(caller: Caller, open: string): AsyncGenerator<[key: string, document: T], void, undefined> {
  let page = (await caller.call(open)) as Page;
  try {
    for (;;) {
      yield* page.rows as [string, T][];
      if (page.cursor === undefined) return;
      page = (await caller.call(`["scanNext",${page.cursor}]`)) as Page;
    }
  } finally {
    // A database that is being closed has let go of it already.
    if (page.cursor !== undefined && !caller.isClosed) await caller.call(`["scanClose",${page.cursor}]`);
  }
}
