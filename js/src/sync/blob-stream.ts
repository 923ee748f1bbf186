import { Pieces } from "./pieces.js";

/** The bytes that `read` gives one after the other, as they are asked for; `close` lets go of what is left. */
export function blobStream(read: () => Uint8Array | undefined, close: () => void, signal: AbortSignal | undefined): Pieces<Uint8Array> {
  return new Pieces({ read, close }, signal, "getStream");
}
