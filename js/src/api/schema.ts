/** Validation of documents by any validator that implements Standard Schema (https://standardschema.dev), version 1. */
import { copyOfBytes } from "../streams/bytes.js";
import { describe, documentText } from "../arguments/check.js";
import { FerroliteError } from "../error.js";
import { isBytes, isThenable } from "../arguments/realms.js";
import type { SchemaResult, StandardSchema } from "../types.js";

/** Throws unless this is a validator. */
export function assertSchema(schema: unknown): asserts schema is StandardSchema {
  const standard = (schema as Partial<StandardSchema> | null | undefined)?.["~standard"];
  if (standard?.version === 1 && typeof standard.validate === "function") return;
  throw new FerroliteError(
    "InvalidOptions",
    "validate is a validator that implements Standard Schema version 1",
  );
}

/** A document that may be stored: in an object, since what is given as a document may be a promise, which is none. */
export interface Valid {
  readonly value: unknown;
}

/**
 * A document that a validator has let pass; a promise of it where the validator is asynchronous. What is stored is what the
 * validator gives, which may differ from what it took: in the form in which it is read again, so a `Date` is its ISO string. The
 * validator has to let that form pass, too. Otherwise nobody could patch the document or write it again.
 */
export function validated(schema: StandardSchema | undefined, document: unknown, key: string): Valid | Promise<Valid> {
  if (schema === undefined) return { value: document };
  const given = isBytes(document) ? copyOfBytes(document) : document;
  return resultOf(schema, given, (result) => {
    const value = valueOf(result, key, "is not valid:");
    if (isBytes(value)) return { value };
    const stored: unknown = JSON.parse(documentText(value, key));
    if (isSame(given, stored)) return { value: stored };
    return resultOf(schema, stored, (again) => {
      valueOf(again, key, "could not be written again; let the validator take what is read, too, as z.coerce.date() does:");
      return { value: stored };
    });
  });
}

/** Asks a validator, and calls `next` with its answer: at once, unless the validator is asynchronous. */
function resultOf<R>(
  schema: StandardSchema,
  value: unknown,
  next: (result: SchemaResult<unknown>) => R | Promise<R>,
): R | Promise<R> {
  const result = schema["~standard"].validate(value);
  return isThenable(result) ? Promise.resolve(result).then(next) : next(result);
}

/** True if a document is read as it was given. Properties that are `undefined` are not stored. */
function isSame(given: unknown, stored: unknown): boolean {
  if (typeof given !== "object" || typeof stored !== "object" || given === null || stored === null) return given === stored;
  const fields = Object.entries(given).filter(([, member]) => member !== undefined);
  const isLike = Array.isArray(given) === Array.isArray(stored) && fields.length === Object.keys(stored).length;
  return isLike && fields.every(([name, member]) => isSame(member, (stored as Record<string, unknown>)[name]));
}

/** The same of many, each for its key. */
export function allValidated(
  schema: StandardSchema | undefined,
  documents: readonly unknown[],
  keys: readonly string[],
): Valid[] | Promise<Valid[]> {
  const valid = documents.map((document, index) => validated(schema, document, keys[index] as string));
  return valid.some((one) => "then" in one) ? Promise.all(valid) : (valid as Valid[]);
}

/** What a validator has let pass; else an error that has `failure` in front of the issues. */
function valueOf(result: SchemaResult<unknown>, key: string, failure: string): unknown {
  const { issues } = (result ?? {}) as Partial<SchemaResult<unknown>>;
  if (!issues) {
    if (typeof result === "object" && result !== null && "value" in result) return result.value;
    throw new FerroliteError("InvalidValue", `validate must return { value } or { issues }, or a promise of it, not ${describe(result)}`);
  }
  const texts = issues.map(({ message, path }) => {
    const steps = path?.map((step) => String(typeof step === "object" ? step.key : step)) ?? [];
    return steps.length === 0 ? message : `${steps.join(".")}: ${message}`;
  });
  const message = `the document for key ${JSON.stringify(key)} ${failure} ${texts.join("; ")}`;
  throw new FerroliteError("InvalidValue", message, { cause: { issues } });
}
