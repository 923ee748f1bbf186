/** Types whose synchronous form differs. */

/** What bytes can be read from, a piece at a time. */
export type ByteSource = Iterable<Uint8Array>;
