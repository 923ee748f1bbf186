/** Validation where nothing can be waited for. */
import { FerroliteError } from "../error.js";
import { type Valid, validated as perhapsValidated } from "../api/schema.js";
import type { StandardSchema } from "../types.js";

/** A document that a validator has let pass. */
export function validated(schema: StandardSchema | undefined, document: unknown, key: string): Valid {
  const valid = perhapsValidated(schema, document, key);
  if (!("then" in valid)) return valid;
  valid.catch(() => {});
  throw new FerroliteError("Unsupported", "this collection's validator is asynchronous; write by Ferrolite, which waits for it");
}

/** The same of many, each for its key. */
export function allValidated(schema: StandardSchema | undefined, documents: readonly unknown[], keys: readonly string[]): Valid[] {
  return documents.map((document, index) => validated(schema, document, keys[index] as string));
}
