import type { Caller } from "../protocol/caller.js";
import { abortable, assertGoesOn, isAborted } from "../arguments/signals.js";
import { quietly } from "../protocol/waiting.js";

/** One page of a scan. */
export interface Page {
  readonly rows: [string, unknown][];
  /** What the next page is asked for with; there is none when it is left out. */
  readonly cursor?: number;
}

/** Goes through what the call `open` begins, a page at a time. */
export async function* scan<T>(
  caller: Caller,
  open: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<[key: string, document: T], void, undefined> {
  assertGoesOn(signal, "scan");
  let next = caller.call(open) as Promise<Page>;
  try {
    for (;;) {
      const page = await abortable(next, signal, "scan");
      for (const row of page.rows as [string, T][]) {
        yield row;
        assertGoesOn(signal, "scan");
      }
      if (page.cursor === undefined) return;
      next = caller.call(`["scanNext",${page.cursor}]`) as Promise<Page>;
    }
  } finally {
    // The page that was asked for last knows whether there is anything to let go of; closing the database has done so.
    const release = quietly(async () => {
      const { cursor } = await next;
      if (cursor !== undefined) await caller.call(`["scanClose",${cursor}]`);
    });
    if (!isAborted(signal)) await release;
  }
}
