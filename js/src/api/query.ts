/** Queries and indexes as they are asked for: their types, and their text in messages. */
import { absent, checkedText, describe, pathText, plain, rangeText } from "../arguments/check.js";
import { FerroliteError } from "../error.js";
import type { Range, Row, Scalar } from "../types.js";

type Fields<T> = T extends Scalar | undefined | readonly unknown[] ? never : T;

/** How deep the types look into documents; deeper paths are strings as any other. */
type Deeper = [never, 0, 1, 2, 3, 4];

/** The paths of a document's fields, as `address.city`; any string when the type of the document is not known. */
export type PathOf<T, Depth extends number = 5> =
  unknown extends T ? string
  : Depth extends 0 ? never
  : Fields<T> extends infer F ?
    F extends object ?
      { [K in keyof F & string]: K | `${K}.${PathOf<NonNullable<F[K]>, Deeper[Depth]>}` }[keyof F & string]
    : never
  : never;

/** What lies at a path of a document. */
export type AtPath<T, P extends string> =
  unknown extends T ? unknown
  : P extends keyof T ? T[P]
  : P extends `${infer K}.${infer R}` ?
    K extends keyof T ? AtPath<NonNullable<T[K]>, R> : unknown
  : unknown;

/** Conditions on a value; all that are given must hold. */
export interface Operators<V = unknown> {
  /** It equals this. The only way to compare with an object. */
  readonly eq?: V | null;
  /** It does not equal this, or is not there. */
  readonly ne?: V | null;
  readonly gt?: V;
  readonly gte?: V;
  readonly lt?: V;
  readonly lte?: V;
  /** It lies between these, or is one of them. */
  readonly between?: readonly [V, V];
  /** It equals one of these. */
  readonly in?: readonly (V | null)[];
  /** It equals none of these, or is not there. */
  readonly nin?: readonly (V | null)[];
  /** It is a string that begins so. */
  readonly startsWith?: string;
  /** It is there, or is not. */
  readonly exists?: boolean;
  /** It is an array with an element that equals this. Not for parts of strings: `startsWith` is for their beginning. */
  readonly contains?: V extends readonly (infer E)[] ? E : unknown;
  /** It does not equal this, or the operators do not all hold. */
  readonly not?: V | null | Operators<V>;
}

/** A value that a filter compares with as it is: an object would consist of operators. */
type Comparable<V> =
  unknown extends V ? Scalar | Date | readonly unknown[]
  : V extends Scalar | Date | readonly unknown[] ? V
  : never;

/**
 * What a document must be like: a value, or operators, at each of these paths; and other filters. An object consists of
 * operators: an unknown name in it is an `InvalidCondition` that names the right one. Compare with an object by
 * `{ eq: { ... } }`. A field called `and`, `or` or `not`, or one that begins with `$`, has a path with one dot more: `.not`.
 */
export type Filter<T = unknown> = {
  readonly [P in PathOf<T>]?: P extends "and" | "or" | "not" ? unknown
  : Comparable<AtPath<T, P>> | null | Operators<NonNullable<AtPath<T, P>>>;
} & {
  /** All of these are met. */
  readonly and?: readonly Filter<T>[];
  /** One of these is met. */
  readonly or?: readonly Filter<T>[];
  /** This is not met. */
  readonly not?: Filter<T>;
};

/** What rows are ordered by: the value at a path, and in which direction. */
export type OrderBy<T = unknown> = PathOf<T> | { readonly path: PathOf<T>; readonly reverse?: boolean | undefined };

/**
 * Which documents, in which order, how many, and what of them. Documents that are bytes are rows of queries without `where`,
 * `orderBy` and `select`.
 */
export interface Query<T = unknown> {
  /** Only documents with these keys. */
  readonly keys?: Omit<Range, "limit" | "reverse">;
  /** Only documents that meet this. A property of a filter that is `undefined` is an error: see `defined`. */
  readonly where?: Filter<T>;
  /**
   * The order; without it, by key. What has no value at a path comes first. Rows with equal values are ordered by key, in
   * the direction of the last path.
   */
  readonly orderBy?: OrderBy<T> | readonly OrderBy<T>[] | undefined;
  /** Turns the whole order round. */
  readonly reverse?: boolean | undefined;
  /** At most so many rows. */
  readonly limit?: number | undefined;
  /** Leaves out so many rows first. */
  readonly offset?: number | undefined;
  /** Goes on behind the page that was returned with this cursor. */
  readonly after?: string | undefined;
  /** Of each document only what lies at these paths, those that are there. */
  readonly select?: readonly PathOf<T>[] | undefined;
}

/**
 * What `select` leaves of a document: the fields that were asked for. Of an object within it, those that were asked for by
 * their paths; it is not there when none of them is.
 */
export type Selected<T, P extends string> =
  unknown extends T ? unknown
  : { [K in keyof T as K extends P ? K : never]: T[K] } & {
      [K in keyof T as K extends P ? never : K extends HeadOf<P> ? K : never]?: Selected<
        NonNullable<T[K]>,
        TailOf<P, K & string>
      >;
    };

type HeadOf<P extends string> = P extends `${infer K}.${string}` ? K : never;
type TailOf<P extends string, K extends string> = P extends `${K}.${infer R}` ? R : never;

/** A query of documents of a known type that asks for some of their fields. */
export type SelectQuery<T, S extends readonly PathOf<T>[]> = Query<T> & { readonly select: S };

/** A page of rows. */
export interface QueryPage<T = unknown> {
  readonly rows: Row<T>[];
  /** Where the next page begins; not there after the last one, or without a limit. */
  readonly cursor?: string;
}

/** A page of keys. */
export interface FindPage {
  readonly keys: string[];
  /** Where the next page begins; not there after the last one, or without a limit. */
  readonly cursor?: string;
}

/** How a query was answered. */
export interface Explanation {
  /** The paths of the index that was read; `null` when documents were, by their keys. */
  readonly index: string[] | null;
  /** How many ranges of it, or of keys, were asked for. */
  readonly ranges: number;
  /**
   * What the first ten ranges have in them, for people: `= "admin"`, or `>= "admin", 18, < "admin", 65` of an index on two
   * paths. Of keys, their range as JSON.
   */
  readonly bounds: string[];
  /** Where the order comes from. */
  readonly order: "index" | "key" | "sort";
  /** The paths of an index whose entries were looked up first. */
  readonly intersected: string[] | null;
  /**
   * True if documents without a value at the index's path have to be looked for among all: the index is from an earlier
   * version, and maintenance has not completed it yet.
   */
  readonly thenMissing: boolean;
  readonly entriesRead: number;
  readonly documentsRead: number;
  readonly rowsReturned: number;
  /**
   * What may explain that the query finds nothing, for people: a path without a value in any document, or a comparison with a
   * value of another type. Of a large collection the first 1,000 documents are looked at, and indexes.
   */
  readonly notes: string[];
}

/** What is to be true of an index. */
export interface IndexOptions {
  /** No two documents may have equal values; those without a value are free. */
  readonly unique?: boolean | undefined;
  /** Each element of an array has an entry, for `contains`. */
  readonly multi?: boolean | undefined;
}

const QUERY = ["keys", "where", "orderBy", "reverse", "limit", "offset", "after", "select"];

/** A query as JSON text. */
export function queryText(query: unknown): string {
  if (query === undefined) return "{}";
  plain("InvalidOptions", "a query", query, QUERY, true);
  const { keys, where, orderBy, reverse, limit, offset, after, select } = query as Query;
  const parts: string[] = [];
  const has = (field: string): boolean => Object.hasOwn(query as Query, field);
  if (keys !== undefined) parts.push(`"keys":${rangeText(keys)}`);
  else if (has("keys")) throw absent("InvalidRange", "a query: keys");
  if (where !== undefined) parts.push(`"where":${checkedText("InvalidCondition", "the filter", where)}`);
  else if (has("where")) throw absent("InvalidCondition", "a query: where");
  for (const [name, value] of Object.entries({ orderBy, reverse, limit, offset, after, select })) {
    if (value !== undefined) parts.push(`${JSON.stringify(name)}:${checkedText("InvalidOptions", name, value)}`);
  }
  return `{${parts.join(",")}}`;
}

/** True if what `count` was given is a query, and not a range of keys. */
export function isQuery(given: unknown): given is Query {
  const only = ["keys", "where", "orderBy", "offset", "after", "select"];
  return typeof given === "object" && given !== null && only.some((field) => Object.hasOwn(given, field));
}

/** The paths of an index, and what is to be true of it, as JSON text. */
export function indexText(paths: unknown, options?: unknown): string {
  const list = Array.isArray(paths) ? paths : [paths];
  if (list.length === 0) throw new FerroliteError("InvalidOptions", `an index is on a path or several, not ${describe(paths)}`);
  const texts = list.map(pathText);
  const path = texts.length === 1 ? texts[0] : `[${texts.join(",")}]`;
  if (options === undefined) return path as string;
  plain("InvalidOptions", "the options of an index", options, ["unique", "multi"]);
  const { unique = false, multi = false } = options as IndexOptions;
  const flags = [unique, multi].map((flag) => checkedText("InvalidOptions", "unique and multi", flag));
  return `{"path":${path},"unique":${flags[0]},"multi":${flags[1]}}`;
}
