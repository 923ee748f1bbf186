/** Validation of documents by any validator that implements Standard Schema (https://standardschema.dev), version 1. */
import { FerroliteError } from "./error.js";

/** What Zod, Valibot, ArkType and others make: it takes an `Input`, and gives an `Output` or says what is wrong. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a validator answers. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a document, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

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
 * validator gives, which may differ from what it took.
 */
export function validated(schema: StandardSchema | undefined, document: unknown, key: string): Valid | Promise<Valid> {
  if (schema === undefined) return { value: document };
  const result = schema["~standard"].validate(document);
  return result instanceof Promise ? result.then((result) => valueOf(result, key)) : valueOf(result, key);
}

/** The same of many, each for its key. */
export function allValidated(
  schema: StandardSchema | undefined,
  documents: readonly unknown[],
  keys: readonly string[],
): Valid[] | Promise<Valid[]> {
  const valid = documents.map((document, index) => validated(schema, document, keys[index] as string));
  return valid.some((one) => one instanceof Promise) ? Promise.all(valid) : (valid as Valid[]);
}

function valueOf(result: SchemaResult<unknown>, key: string): Valid {
  if (result.issues === undefined) return { value: result.value };
  const issues = result.issues.map(({ message, path }) => {
    const steps = path?.map((step) => String(typeof step === "object" ? step.key : step)) ?? [];
    return steps.length === 0 ? message : `${steps.join(".")}: ${message}`;
  });
  throw new FerroliteError("InvalidValue", `the document for key ${JSON.stringify(key)} is not valid: ${issues.join("; ")}`, {
    cause: { issues: result.issues },
  });
}
