import type { ExportOptions } from "../types.js";
import { Pieces } from "./pieces.js";
import { quietly } from "./waiting.js";

/** The engine's part of an export. */
interface Exporting {
  /** How many bytes there will be. */
  readonly bytes: number;
  /** The next of them; `undefined` behind the last ones. */
  next(): Uint8Array<ArrayBuffer> | undefined;
  /** Lets go of what the export keeps. */
  end(): unknown;
}

/** A database as the bytes of one file. A chunk is read when it is wanted; nothing is read ahead. */
export function exportStream(exporting: Exporting, { signal, onProgress }: ExportOptions): Pieces<Uint8Array<ArrayBuffer>> {
  let done = 0;
  const read = () => {
    const chunk = exporting.next();
    if (chunk !== undefined) onProgress?.((done += chunk.byteLength), exporting.bytes);
    return chunk;
  };
  return new Pieces({ read, close: () => quietly(() => exporting.end()) }, signal, "export");
}
