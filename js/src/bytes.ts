/** Documents that are bytes: they travel beside the text of a message, as its attachments. */
import { documentText, keyText } from "./check.js";
import { FerroliteError } from "./error.js";
import { untilAborted } from "./signals.js";

/** Adds bytes to the message that is being gathered; its number there. */
export type Attach = (bytes: Uint8Array) => number;

/** What bytes can be read from, a piece at a time. */
export type ByteSource = ReadableStream<Uint8Array> | Blob | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The longest piece that is handed over at once. */
const PIECE_BYTES = 1 << 20;

/** Whether a document is bytes, and not JSON. */
export function isBytes(document: unknown): document is Uint8Array {
  return document instanceof Uint8Array;
}

/** The call that stores a document. */
export function putText(key: unknown, document: unknown, ttl: number | undefined, attach: Attach): string {
  if (isBytes(document)) return `["setBytes",${keyText(key)},${attach(document)},${JSON.stringify({ ttl })}]`;
  const pair = `${keyText(key)},${documentText(document, key)}`;
  return ttl === undefined ? `["set",${pair}]` : `["setEx",${pair},${ttl}]`;
}

/** The bytes of a source, in pieces that are not long. A signal breaks it off, also while the source is waited for. */
export async function* piecesOf(
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

function iterable(source: ByteSource): AsyncIterable<unknown> | Iterable<unknown> {
  if ((source as unknown) instanceof Blob) return ofStream((source as Blob).stream());
  if (typeof source === "object" && source !== null && !isBytes(source)) {
    if (source instanceof ReadableStream) return ofStream(source);
    if (Symbol.asyncIterator in source || Symbol.iterator in source) return source;
  }
  const wanted = "a ReadableStream, a Blob, or an iterable of Uint8Arrays";
  throw new FerroliteError("InvalidValue", `bytes are read from ${wanted}`);
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

/** A message of text, and behind a zero byte its attachments, each behind its length. */
export function withAttachments(text: Uint8Array<ArrayBuffer>, attachments: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (attachments.length === 0) return text;
  const length = attachments.reduce((sum, bytes) => sum + 4 + bytes.length, text.length + 1);
  const message = new Uint8Array(length);
  message.set(text);
  const view = new DataView(message.buffer);
  let at = text.length + 1;
  for (const bytes of attachments) {
    view.setUint32(at, bytes.length, true);
    message.set(bytes, at + 4);
    at += 4 + bytes.length;
  }
  return message;
}

/** The text of an answer and copies of its attachments. */
export function splitAttachments(answer: Uint8Array): { text: Uint8Array; attachments: Uint8Array[] } {
  const end = answer.indexOf(0);
  if (end < 0) return { text: answer, attachments: [] };
  const attachments = [];
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  for (let at = end + 1; at < answer.length; ) {
    const start = at + 4;
    at = start + view.getUint32(at, true);
    attachments.push(answer.slice(start, at));
  }
  return { text: answer.subarray(0, end), attachments };
}

/** Puts attachments where they belong in a value: each place is a path and the number of an attachment. */
export function putInPlace(value: unknown, places: readonly (string | number)[][], attachments: readonly Uint8Array[]): void {
  for (const place of places) {
    const number = place.at(-1) as number;
    const last = place.at(-2) as string | number;
    let holder = value as Record<string | number, unknown>;
    for (const step of place.slice(0, -2)) holder = holder[step] as Record<string | number, unknown>;
    holder[last] = attachments[number];
  }
}
