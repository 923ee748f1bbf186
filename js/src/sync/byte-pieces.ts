/** Reads iterables of bytes, where nothing can be waited for. */
import { shortPieces } from "../streams/byte-source.js";
import { isBytes } from "../arguments/realms.js";
import { FerroliteError } from "../error.js";
import { assertGoesOn } from "../arguments/signals.js";
import type { ByteSource } from "./types.js";

/** The bytes of a source, in pieces that are not long. */
export function* piecesOf(source: ByteSource, signal: AbortSignal | undefined): Generator<Uint8Array, void, undefined> {
  if (typeof source !== "object" || source === null || isBytes(source) || !(Symbol.iterator in source)) {
    throw new FerroliteError("InvalidValue", "bytes are read from an iterable of Uint8Arrays");
  }
  for (const piece of source) {
    assertGoesOn(signal, "setStream");
    yield* shortPieces(piece);
  }
}
