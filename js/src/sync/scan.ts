import type { Page } from "../api/scan.js";
import { assertGoesOn } from "../arguments/signals.js";
import type { Caller } from "./caller.js";
import { quietly } from "./waiting.js";

/** Goes through what the call `open` begins, a page at a time. */
export function* scan<T>(
  caller: Caller,
  open: string,
  signal: AbortSignal | undefined,
): Generator<[key: string, document: T], void, undefined> {
  assertGoesOn(signal, "scan");
  let page = caller.call(open) as Page;
  try {
    for (;;) {
      for (const row of page.rows as [string, T][]) {
        yield row;
        assertGoesOn(signal, "scan");
      }
      if (page.cursor === undefined) return;
      page = caller.call(`["scanNext",${page.cursor}]`) as Page;
    }
  } finally {
    const { cursor } = page;
    if (cursor !== undefined) quietly(() => caller.call(`["scanClose",${cursor}]`));
  }
}
