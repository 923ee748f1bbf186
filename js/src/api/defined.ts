/** Removing what is `undefined`, for callers whose filters and ranges have optional parts. */

/** What `defined` leaves: the properties may be missing, and none is `undefined`. */
export type Defined<T> =
  T extends readonly unknown[] ? T
  : T extends object ? { [K in keyof T]?: Defined<Exclude<T[K], undefined>> }
  : T;

/**
 * Removes properties that are `undefined` from a range, a filter or a query, also from objects and arrays within it. An object
 * or an array that becomes empty by this is removed, too. What is left is a copy.
 *
 * Conditions on values that are not given are left out, so without values all documents are found. Never give it to
 * `deleteRange` unless you mean that.
 *
 * ```ts
 * await db.query({ where: defined({ owner, age: { gte: from, lt: to } }) });
 * ```
 */
export function defined<T extends object>(fields: T): Defined<T> {
  return (without(fields) ?? {}) as Defined<T>;
}

/** The value without what is `undefined`; `undefined` when nothing else was in it. */
function without(value: unknown): unknown {
  if (Array.isArray(value)) return kept(value, value.map(without).filter(isDefined));
  if (!isPlain(value)) return value;
  const fields = Object.entries(value).map(([name, member]) => [name, without(member)] as const);
  const rest = fields.filter(([, member]) => isDefined(member));
  return kept(fields, rest) && Object.fromEntries(rest);
}

/** What is left, unless it is nothing and was something. */
function kept<L extends readonly unknown[]>(before: readonly unknown[], left: L): L | undefined {
  return before.length > 0 && left.length === 0 ? undefined : left;
}

const isDefined = (value: unknown): boolean => value !== undefined;

/** True if it is an object as literals make it, in whatever realm: no date, no bytes. */
function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
