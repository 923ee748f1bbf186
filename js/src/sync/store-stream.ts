// Made of js/src/store-stream.ts by tools/sync-sources.mjs. Change it there, and run `npm --prefix js run sync`.
import { type Attach, type ByteSource, piecesOf } from "./bytes.js";
import { assertGoesOn } from "./signals.js";
import { quietly } from "./waiting.js";

/** Writes the bytes of a source to the document of which the writing has begun under a number; the document's version. */
export function storeStream(
  { call, attach }: { call(text: string): unknown; readonly attach: Attach },
  id: number,
  source: ByteSource,
  signal: AbortSignal | undefined,
): number {
  try {
    for (const piece of piecesOf(source, signal)) call(`["blobWrite",${id},${attach(piece)}]`);
    assertGoesOn(signal, "setStream");
    return call(`["blobFinish",${id}]`) as number;
  } catch (thrown) {
    // A database that is being closed has given it up itself.
    quietly(() => call(`["blobAbort",${id}]`));
    throw thrown;
  }
}
