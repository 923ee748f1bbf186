/** A database as a stream of the bytes of one file. */
import { FerroliteError } from "../error.js";
import { aborted } from "../arguments/signals.js";
import type { ExportOptions } from "../types.js";

/** The engine's part of an export. */
export interface Exporting {
  /** How many bytes there will be. */
  readonly bytes: number;
  /** The next of them; `undefined` behind the last ones. */
  next(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Lets go of what the export keeps. */
  end(): Promise<unknown>;
}

/** A chunk is asked for when the consumer wants one; nothing is read ahead. */
export function exportStream(exporting: Exporting, { signal, onProgress }: ExportOptions): ReadableStream<Uint8Array<ArrayBuffer>> {
  let done = 0;
  let isOver = false;
  let onAbort = () => {};
  const finish = async () => {
    if (isOver) return;
    isOver = true;
    signal?.removeEventListener("abort", onAbort);
    // A database that is being closed has let go of it already.
    await exporting.end().catch(() => {});
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        onAbort = () => {
          if (!isOver) controller.error(aborted(signal, "export"));
          void finish();
        };
        signal?.addEventListener("abort", onAbort);
        // It may have come while the export was begun.
        if (signal?.aborted === true) onAbort();
      },
      async pull(controller) {
        try {
          const chunk = await exporting.next();
          if (isOver) return;
          if (chunk === undefined) {
            await finish();
            controller.close();
            return;
          }
          done += chunk.byteLength;
          onProgress?.(done, exporting.bytes);
          controller.enqueue(chunk);
        } catch (thrown) {
          if (isOver) return;
          await finish();
          controller.error(FerroliteError.from(thrown, "Internal"));
        }
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  );
}
