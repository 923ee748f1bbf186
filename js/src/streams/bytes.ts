/** Documents that are bytes: they travel beside the text of a message, as its attachments. */
import { documentText, keyText } from "../arguments/check.js";
import { FerroliteError } from "../error.js";
import { kindOf } from "../brand.js";
import { isBytes } from "../arguments/realms.js";

/** Adds bytes to the message that is being gathered; its number there. */
export type Attach = (bytes: Uint8Array) => number;

/**
 * Bytes of our own, in a buffer of their own. `slice()` will not do: that of Node's `Buffer` is a view, and classes that extend
 * `Uint8Array` may have another.
 */
export function copyOfBytes(bytes: ArrayBufferView | ArrayBufferLike): Uint8Array<ArrayBuffer> {
  try {
    const view = ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
    return new Uint8Array(view);
  } catch (cause) {
    const message = "bytes cannot be read: their buffer was transferred, or has become shorter; copy them before that";
    throw new FerroliteError("InvalidValue", message, { cause });
  }
}

/** A copy of a source of bytes that the caller may change while it is read; another source as it is. */
export function ownSource<S>(source: S): S | Uint8Array {
  const isBuffer = ArrayBuffer.isView(source) || kindOf(source).endsWith("ArrayBuffer");
  return isBuffer ? copyOfBytes(source as ArrayBufferView | ArrayBuffer) : source;
}

/** The call that stores a document. */
export function putText(key: unknown, document: unknown, ttl: number | undefined, attach: Attach): string {
  if (isBytes(document)) return `["setBytes",${keyText(key)},${attach(document)},${JSON.stringify({ ttl })}]`;
  const pair = `${keyText(key)},${documentText(document, key)}`;
  return ttl === undefined ? `["set",${pair}]` : `["setEx",${pair},${ttl}]`;
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
