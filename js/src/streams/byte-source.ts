/** Reading bytes piece by piece, wherever they come from. */
import type { ByteSource } from "../types.js";
import { FerroliteError } from "../error.js";
import { isBytes } from "../arguments/realms.js";
import { kindOf } from "../brand.js";
import { abortable } from "../arguments/signals.js";

/** The longest piece that is handed over at once. */
const PIECE_BYTES = 1 << 20;

/** The bytes of a source, in pieces that are not long. A signal breaks it off, also while the source is waited for. */
export async function* pieces(
  source: ByteSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of untilAborted(iterable(source), signal, "setStream")) yield* shortPieces(piece);
}

/** The pieces of a piece, none of them long. */
export function* shortPieces(piece: unknown): Generator<Uint8Array, void, undefined> {
  if (!isBytes(piece)) throw new FerroliteError("InvalidValue", "a stream of bytes yields Uint8Arrays");
  for (let at = 0; at < piece.length; at += PIECE_BYTES) yield piece.subarray(at, at + PIECE_BYTES);
}

/** By what a source can do, for it may come from another realm. */
function iterable(source: ByteSource): AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof source === "object" && source !== null && !isBytes(source)) {
    const { stream, getReader } = source as Partial<Blob & ReadableStream<Uint8Array>>;
    if (typeof stream === "function") return ofStream((source as Blob).stream());
    if (typeof getReader === "function") return ofStream(source as ReadableStream<Uint8Array>);
    if (Symbol.asyncIterator in source || Symbol.iterator in source) return source;
    if (/^(Blob|File)$/.test(kindOf(source))) return ofReader(source);
  }
  const wanted = "a ReadableStream, a Blob, or an iterable of Uint8Arrays";
  throw new FerroliteError("InvalidValue", `bytes are read from ${wanted}`);
}

/** The bytes of a Blob that has no streams, as those of jsdom. */
async function* ofReader(blob: Blob): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new FileReader();
  yield await new Promise<Uint8Array>((resolve, reject) => {
    reader.onload = () => resolve(new Uint8Array(reader.result as ArrayBuffer));
    reader.onerror = () => reject(reader.error);
    reader.readAsArrayBuffer(blob);
  });
}

/** The chunks of a stream: not every host can iterate over it, and none ends that while a chunk is waited for. */
function ofStream(stream: ReadableStream<Uint8Array>): AsyncIterable<unknown> {
  const reader = stream.getReader();
  const next = async () => {
    const result = await reader.read();
    if (result.done) reader.releaseLock();
    return result as IteratorResult<unknown>;
  };
  const end = async (reason: unknown) => {
    await reader.cancel(reason);
    reader.releaseLock();
    return { done: true as const, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}

/** Goes through a source until its end, or the signal; also while the source is waited for. */
async function* untilAborted<T>(
  source: AsyncIterable<T> | Iterable<T>,
  signal: AbortSignal | undefined,
  verb: string,
): AsyncGenerator<T, void, undefined> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let isOver = false;
  try {
    for (;;) {
      const next = await abortable(iterator.next(), signal, verb).catch((thrown: unknown) => {
        // A source that has failed is over.
        isOver = signal?.aborted !== true;
        throw thrown;
      });
      isOver = next.done === true;
      if (isOver) return;
      yield next.value as T;
    }
  } finally {
    if (!isOver) await released(iterator, signal);
  }
}

/** Tells a source that nothing more is wanted. One that was broken off may be busy for ever: it is not waited for. */
async function released(iterator: AsyncIterator<unknown> | Iterator<unknown>, signal: AbortSignal | undefined): Promise<void> {
  // A stream is cancelled with what it is given here.
  const end = (async () => iterator.return?.(signal?.aborted === true ? signal.reason : undefined))();
  if (signal?.aborted !== true) await end;
  else end.catch(() => {});
}
