/** Reads sources of bytes. The script that can do so loads when it is first used. */
import { needed } from "../error.js";
import type { ByteSource } from "../types.js";

/** The bytes of a source, in pieces that are not long. A signal breaks it off, also while the source is waited for. */
export async function* piecesOf(
  source: ByteSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { pieces } = await byteSource();
  yield* pieces(source, signal);
}

/** How to read from sources: pages do not begin with it. */
export function byteSource(): Promise<typeof import("./byte-source.js")> {
  return needed(import("./byte-source.js"));
}
