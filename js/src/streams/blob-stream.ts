/** A document's bytes as a stream. */
import { aborted } from "../arguments/signals.js";

/** The bytes that `read` gives one after the other, as they are asked for; `close` lets go of what is left. */
export function blobStream(
  read: () => Promise<Uint8Array | undefined>,
  close: () => Promise<unknown>,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  let abort = () => {};
  const end = () => signal?.removeEventListener("abort", abort);
  return new ReadableStream<Uint8Array>({
    start(controller) {
      abort = () => {
        end();
        controller.error(aborted(signal, "getStream"));
        void close();
      };
      signal?.addEventListener("abort", abort);
      // It may have come while the bytes were looked for.
      if (signal?.aborted === true) abort();
    },
    async pull(controller) {
      try {
        const piece = await read();
        if (signal?.aborted === true) return;
        if (piece !== undefined) return controller.enqueue(piece);
        end();
        controller.close();
      } catch (thrown) {
        end();
        if (signal?.aborted !== true) throw thrown;
      }
    },
    async cancel() {
      end();
      await close();
    },
  });
}
