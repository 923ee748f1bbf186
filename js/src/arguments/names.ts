/** The names of collections, and how a call says which collection it is for. */
import { describe, isWellFormed } from "./check.js";
import { FerroliteError } from "../error.js";
import type { StandardSchema } from "../types.js";

const NAME_BYTES_MAX = 255;
const encoder = new TextEncoder();

/** A collection, by its name or by what `db.collection` has given; the latter knows the types and the validator. */
export type CollectionName<D, I = D> = string | NamedCollection<D, I>;

/** What is known of a collection besides its name. */
export interface NamedCollection<D, I = D> {
  /** Its name; that of the default collection is empty. */
  readonly name: string;
  /** What lets documents pass, if anything does. */
  readonly schema: StandardSchema | undefined;
  /** Never there: what tells the types of collections to the compiler. */
  readonly types?: { readonly output: D; readonly input: I };
}

/** Throws unless this can be the name of a collection. */
export function assertCollectionName(name: unknown): asserts name is string {
  if (typeof name === "string" && name !== "" && isWellFormed(name) && encoder.encode(name).length <= NAME_BYTES_MAX) return;
  const message = `the name of a collection is a string of 1 to ${NAME_BYTES_MAX} bytes of UTF-8, not ${describe(name)}`;
  throw new FerroliteError("InvalidCollection", message);
}

/** What a call to a collection begins with, behind its bracket; nothing for the default one. */
export function prefixOf(collection: CollectionName<unknown, unknown>): string {
  const name = typeof collection === "string" ? collection : (collection as NamedCollection<unknown, unknown> | undefined)?.name;
  if (name === "" && typeof collection !== "string") return "";
  assertCollectionName(name);
  return `${JSON.stringify(`@${name}`)},`;
}

/** The call `[verb, ...]` on the collection of a prefix. */
export function prefixed(prefix: string, call: string): string {
  return prefix === "" ? call : `[${prefix}${call.slice(1)}`;
}

/** The validator that comes with a collection. */
export function schemaOf(collection: CollectionName<unknown, unknown>): StandardSchema | undefined {
  return typeof collection === "string" ? undefined : collection.schema;
}
