/**
 * The checks that every argument passes before anything is sent, so that bad input costs no message and fails the
 * one call that it was given to.
 */
import { type ErrorCode, FerroliteError } from "../error.js";
import { kindOf } from "../brand.js";
import type { Range, SetOptions, TransactionOptions, TtlOptions, WatchOptions } from "../types.js";

/** Bytes of UTF-8 in a key. */
const KEY_BYTES_MAX = 4096;
/** Arrays and objects within each other in one document: what every JSON parser on the other hosts reads back. */
const NESTING_MAX = 127;
/** A UTF-16 code unit is at most so many bytes of UTF-8. */
const UTF8_BYTES_PER_UNIT_MAX = 3;
/** Longer times to live are none: beyond the year 10000. */
const TTL_SECONDS_MAX = 250_000_000_000;

const encoder = new TextEncoder();

/** A key as JSON text. */
export function keyText(key: unknown): string {
  if (typeof key !== "string") throw new FerroliteError("InvalidKey", `a key is a string, not ${describe(key)}`);
  if (key === "") throw new FerroliteError("InvalidKey", "a key has at least one character");
  if (!isWellFormed(key)) {
    throw new FerroliteError("InvalidKey", `the key ${JSON.stringify(key)} has half a surrogate pair and is no text`);
  }
  if (key.length * UTF8_BYTES_PER_UNIT_MAX > KEY_BYTES_MAX) {
    const bytes = encoder.encode(key).length;
    if (bytes > KEY_BYTES_MAX) {
      throw new FerroliteError("InvalidKey", `a key has at most ${KEY_BYTES_MAX} bytes of UTF-8; this one has ${bytes}`);
    }
  }
  return JSON.stringify(key);
}

/** A document as JSON text. What JSON would drop or change is an error that names the place, as `$.a[3]`. */
export function documentText(document: unknown, key: unknown): string {
  const text = jsonText(document);
  if (typeof text === "string") return text;
  const of = typeof key === "string" ? ` for key ${JSON.stringify(key)}` : "";
  throw new FerroliteError("InvalidValue", `the document${of} cannot be stored: ${text.place} is ${text.what}`, {
    cause: text.cause,
  });
}

/** A document or none, as a JSON array of one or of nothing. */
export function perhapsText(document: unknown, key: unknown): string {
  return document === undefined ? "[]" : `[${documentText(document, key)}]`;
}

/** The operations of a JSON Patch as JSON text. */
export function operationsText(operations: unknown): string {
  if (Array.isArray(operations)) return patchText(operations);
  const example = '[{ op: "replace", path: "/name", value: "bob" }]';
  throw new FerroliteError("InvalidPatch", `a JSON Patch is an array as ${example}, not ${describe(operations)}`);
}

/** A patch as JSON text. */
export function patchText(patch: unknown): string {
  return checkedText("InvalidPatch", "the patch", patch);
}

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** What a counter grows by, as JSON text: a whole number of 64 bits. */
export function integerText(by: unknown): string {
  if (typeof by === "bigint" && by >= INT64_MIN && by <= INT64_MAX) return String(by);
  if (typeof by === "number" && Number.isSafeInteger(by)) return String(by);
  throw new FerroliteError("InvalidValue", `increment adds a safe integer, or a bigint of 64 bits, not ${describe(by)}`);
}

/** An end of a list as JSON text. */
export function endText(end: unknown): string {
  if (end === "left" || end === "right") return `"${end}"`;
  throw new FerroliteError("InvalidOptions", `an end of a list is "left" or "right", not ${describe(end)}`);
}

/** An index into a list as JSON text. */
export function indexText(index: unknown): string {
  if (typeof index === "number" && Number.isSafeInteger(index)) return String(index);
  throw new FerroliteError("InvalidOptions", `an index into a list is a whole number, not ${describe(index)}`);
}

/** What `find` compares with, as JSON text. */
export function conditionText(condition: unknown): string {
  return checkedText("InvalidCondition", "the condition", condition);
}

/** Returns any JSON value as text. Its error names the place of a value that JSON lacks; in a condition, `undefined` is one. */
export function checkedText(code: ErrorCode, name: string, value: unknown): string {
  const text = jsonText(value, code === "InvalidCondition");
  if (typeof text === "string") return text;
  throw new FerroliteError(code, `${name} cannot be used: ${text.place} is ${text.what}`, { cause: text.cause });
}

/** An index path as JSON text. */
export function pathText(path: unknown): string {
  if (typeof path === "string" && isWellFormed(path)) return JSON.stringify(path);
  throw new FerroliteError("InvalidPath", `a path is a string like "address.city", not ${describe(path)}`);
}

/** Kinds of options. A bound must not be `undefined`: a range without it has more keys. */
type Kind = "bound" | "string" | "count" | "boolean";
const RANGE: Readonly<Record<string, Kind>> = {
  gt: "bound", gte: "bound", lt: "bound", lte: "bound", prefix: "bound", limit: "count", reverse: "boolean",
};
const FIND: Readonly<Record<string, Kind>> = { limit: "count", reverse: "boolean", offset: "count", after: "string" };
const WATCH: Readonly<Record<string, Kind>> = { since: "count", values: "boolean" };
const CHECK: Readonly<Record<string, Kind>> = { full: "boolean" };
const TRANSACTION: Readonly<Record<string, Kind>> = { retries: "count" };
const CONDITIONS: Readonly<Record<string, Kind>> = { ifVersion: "count", ifAbsent: "boolean", keepTtl: "boolean" };

/** A range of keys as JSON text. */
export function rangeText(range: Range | undefined): string {
  return range === undefined ? "{}" : fieldsText("InvalidRange", "a range", range, RANGE);
}

/** The options of `find` as JSON text. */
export function findOptionsText(options: unknown): string {
  return options === undefined ? "{}" : fieldsText("InvalidOptions", "find's options", options, FIND);
}

/** The options of `watch` as JSON text, but for the signal. */
export function watchOptionsText(options: WatchOptions | undefined): string {
  if (options === undefined) return "{}";
  plain("InvalidOptions", "watch's options", options, [...Object.keys(WATCH), "signal"]);
  const { signal, ...rest } = options;
  assertSignal(signal);
  return fieldsText("InvalidOptions", "watch's options", rest, WATCH);
}

/** Throws unless these are the options of `watchQuery`. */
export function assertWatchQueryOptions(options: unknown): void {
  if (options === undefined) return;
  plain("InvalidOptions", "watchQuery's options", options, ["signal"]);
  assertSignal((options as { signal?: unknown }).signal);
}

/** True if it is a signal, of whatever realm. */
export function isSignal(signal: unknown): signal is AbortSignal {
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  return typeof aborted === "boolean" && typeof addEventListener === "function";
}

/** Throws unless it is a signal, or none. */
export function assertSignal(signal: unknown): void {
  if (signal === undefined || isSignal(signal)) return;
  throw new FerroliteError("InvalidOptions", `signal is an AbortSignal, not ${describe(signal)}`);
}

/** The options of `check` as JSON text. */
export function checkOptionsText(options: unknown): string {
  return options === undefined ? "{}" : fieldsText("InvalidOptions", "check's options", options, CHECK);
}

/** How often a transaction is run again at most. */
export function retriesOption(options: Omit<TransactionOptions, "signal"> | undefined, otherwise: number): number {
  if (options === undefined) return otherwise;
  fieldsText("InvalidOptions", "transaction's options", options, TRANSACTION);
  return options.retries ?? otherwise;
}

/** The options of `set`: the time to live in milliseconds, and the conditions, both as JSON text of all when there are any. */
export function setOptions(options: SetOptions | undefined): { ttl: number | undefined; conditional: string | undefined } {
  if (options === undefined) return { ttl: undefined, conditional: undefined };
  plain("InvalidOptions", "the options of set", options, ["ttl", "keepTtl", "ifVersion", "ifAbsent"]);
  const { ttl: seconds, ...conditions } = options;
  fieldsText("InvalidOptions", "the options of set", conditions, CONDITIONS);
  const ttl = seconds === undefined ? undefined : ttlMs(seconds);
  const isConditional = options.ifVersion !== undefined || options.ifAbsent === true || options.keepTtl === true;
  return { ttl, conditional: isConditional ? JSON.stringify({ ...conditions, ttl }) : undefined };
}

/** The time to live among the options of a write, in milliseconds; `undefined` when there is none. */
export function ttlOption(options: TtlOptions | undefined): number | undefined {
  if (options === undefined) return undefined;
  plain("InvalidOptions", "the options of set", options, ["ttl"]);
  return options.ttl === undefined ? undefined : ttlMs(options.ttl);
}

/** Seconds to live as whole milliseconds. */
export function ttlMs(seconds: unknown): number {
  if (typeof seconds === "number" && seconds > 0 && seconds <= TTL_SECONDS_MAX) return Math.ceil(seconds * 1000);
  throw new FerroliteError("InvalidOptions", `a time to live is a number of seconds above 0, not ${describe(seconds)}`);
}

/**
 * Throws unless `options` is an object with no fields but those named. An unknown field of a query or a range is an error even
 * if it is `undefined`: it was to leave something out.
 */
export function plain(
  code: ErrorCode,
  name: string,
  options: unknown,
  fields: readonly string[],
  isStrict = code === "InvalidRange",
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new FerroliteError(code, `${name}: an object with ${fields.join(", ")}, not ${describe(options)}`);
  }
  for (const field of Object.keys(options)) {
    if (!fields.includes(field) && (isStrict || (options as Record<string, unknown>)[field] !== undefined)) {
      throw new FerroliteError(code, `${name}: there is no ${JSON.stringify(field)}; there is ${fields.join(", ")}`);
    }
  }
}

function fieldsText(code: ErrorCode, name: string, fields: unknown, kinds: Readonly<Record<string, Kind>>): string {
  plain(code, name, fields, Object.keys(kinds));
  for (const [field, value] of Object.entries(fields as object)) {
    const kind = kinds[field];
    if (value === undefined && kind === "bound") throw absent(code, `${name}: ${field}`);
    if (value === undefined) continue;
    const good =
      kind === "count" ? Number.isSafeInteger(value) && value >= 0
      : kind === "boolean" ? typeof value === kind
      : typeof value === "string" && isWellFormed(value);
    if (good) continue;
    const wanted = kind === "count" ? "a whole number from 0 on" : kind === "boolean" ? "true or false" : "a string";
    throw new FerroliteError(code, `${name}: ${field} is ${wanted}, not ${describe(value)}`);
  }
  return JSON.stringify(fields);
}

/** The error of a property that would leave something out, and is `undefined`: a value that has not arrived must not select all. */
export function absent(code: ErrorCode, what: string): FerroliteError {
  return new FerroliteError(code, `${what} is ${UNDEFINED}`);
}

const UNDEFINED = "undefined; leave the property out, or remove it by defined({ ... })";

/** Why a value is not a document, and where in it. */
interface Problem {
  place: string;
  what: string;
  cause?: unknown;
}

function jsonText(value: unknown, isStrict = false): string | Problem {
  try {
    const problem = walk(value, "", 0, isStrict);
    if (problem !== undefined) {
      const place = `$${problem.place}`;
      return problem.what === TOO_DEEP ? (findCycle(value, "$", []) ?? { place, what: TOO_DEEP }) : { ...problem, place };
    }
    return JSON.stringify(value);
  } catch (thrown) {
    // A getter or toJSON of the caller's threw, or the text is longer than a string can be.
    if (thrown instanceof RangeError) throw new FerroliteError("TooLarge", "a document has at most 64 MiB of JSON text");
    return { place: "$", what: `not to be read: ${(thrown as Partial<Error>)?.message ?? thrown}`, cause: thrown };
  }
}

const TOO_DEEP = `nested deeper than ${NESTING_MAX} levels`;

/**
 * One walk, without a path in hand: the path is put together on the way back, when there is a problem. Properties that are
 * `undefined` are a problem if it is strict.
 */
function walk(value: unknown, key: string, depth: number, isStrict: boolean): Problem | undefined {
  switch (typeof value) {
    case "string":
      return isWellFormed(value) ? undefined : bad("a string with half a surrogate pair");
    case "number":
      return Number.isFinite(value) ? undefined : bad(`${value}, which JSON does not have`);
    case "boolean":
      return undefined;
    case "object":
      return value === null ? undefined : walkObject(value, key, depth, isStrict);
    case "undefined":
      return bad("undefined");
    case "bigint":
      return bad("a BigInt, which JSON does not have; store a string");
    default:
      return bad(`a ${typeof value}`);
  }
}

function walkObject(value: object, key: string, depth: number, isStrict: boolean): Problem | undefined {
  if (depth >= NESTING_MAX) return bad(TOO_DEEP);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const problem = walk(value[index], String(index), depth + 1, isStrict);
      if (problem !== undefined) return within(problem, `[${index}]`);
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const tag = kindOf(value);
    if (tag === "Date" && Number.isNaN(Number(value))) return bad("an invalid Date");
    if (ArrayBuffer.isView(value)) return bad(`a ${tag}; store an array, base64, or a Uint8Array that is all of the document`);
    if (typeof (value as { toJSON?: unknown }).toJSON !== "function" && tag !== "Object") return bad(`a ${tag}`);
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") return walk(toJSON.call(value, key), key, depth + 1, isStrict);
  for (const name of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[name];
    // As in JSON.stringify, a property that is undefined is one that is not there.
    if (member === undefined && !isStrict) continue;
    const problem =
      member === undefined ? bad(UNDEFINED)
      : isWellFormed(name) ? walk(member, name, depth + 1, isStrict)
      : bad("under a name with half a surrogate pair");
    if (problem !== undefined) return within(problem, step(name));
  }
  return undefined;
}

function bad(what: string): Problem {
  return { place: "", what };
}

function within(problem: Problem, segment: string): Problem {
  problem.place = segment + problem.place;
  return problem;
}

function step(name: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

/** Where a value contains itself: what too deep a nesting most often is. */
function findCycle(value: unknown, place: string, ancestors: object[]): Problem | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const above = ancestors.indexOf(value);
  if (above >= 0) return { place, what: "the same object as one that it lies in: a cycle" };
  if (ancestors.length > NESTING_MAX) return undefined;
  ancestors.push(value);
  for (const [name, member] of Object.entries(value)) {
    const segment = Array.isArray(value) ? `[${name}]` : step(name);
    const problem = findCycle(member, place + segment, ancestors);
    if (problem !== undefined) return problem;
  }
  ancestors.pop();
  return undefined;
}

/** True if a string has no lone surrogates: whether it is text. */
export function isWellFormed(text: string): boolean {
  return "isWellFormed" in String.prototype ? text.isWellFormed() : !/\p{Surrogate}/u.test(text);
}

/** A value in a message: what it is, not all of it. */
export function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value === "string") return value.length > 40 ? `"${value.slice(0, 40)}..."` : JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? `a ${value.constructor?.name ?? "value"}` : `a ${typeof value}`;
}
