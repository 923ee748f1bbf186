import type { Attach } from "../streams/bytes.js";
import { piecesOf } from "../streams/byte-pieces.js";
import type { ByteSource } from "../types.js";
import { assertGoesOn } from "../arguments/signals.js";
import { quietly } from "../protocol/waiting.js";

/** Writes the bytes of a source to the document of which the writing has begun under a number; the document's version. */
export async function storeStream(
  { call, attach }: { call(text: string): Promise<unknown>; readonly attach: Attach },
  id: number,
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<number> {
  try {
    for await (const piece of piecesOf(source, signal)) await call(`["blobWrite",${id},${attach(piece)}]`);
    assertGoesOn(signal, "setStream");
    return (await call(`["blobFinish",${id}]`)) as number;
  } catch (thrown) {
    // A database that is being closed has given it up itself.
    await quietly(() => call(`["blobAbort",${id}]`));
    throw thrown;
  }
}
