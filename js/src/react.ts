/** Hooks for React: a component that uses one is rendered again whenever the document, or what the query finds, has changed. */
import { useMemo, useSyncExternalStore } from "react";

import type { Query } from "./api/query.js";
import type { Row } from "./types.js";
import {
  baseOf, documentStore, LOADING, queryName, queryStore, type Store, type StoreState, type Watched, type WholeDatabase,
} from "./stores.js";

export type { Store, StoreState, Watched, WholeDatabase } from "./stores.js";

/**
 * The document at `key` of a database or a collection; its value is `undefined` while there is none. All components that use
 * the same share one watch, and see the same. Without a database, and on a server, it is `"loading"`.
 *
 * ```tsx
 * function Title({ db }: { db: Ferrolite | undefined }) {
 *   const { status, value, error } = useDocument<Settings>(db, "settings");
 *   if (status === "failed") return <p>{error.message}</p>;
 *   return <h1>{value?.title ?? "..."}</h1>;
 * }
 * ```
 */
export function useDocument<D>(db: Watched<D> | undefined, key: string): StoreState<D | undefined>;
export function useDocument<T>(db: WholeDatabase | undefined, key: string): StoreState<T | undefined>;
export function useDocument<T>(db: Watched<unknown> | undefined, key: string): StoreState<T | undefined> {
  return useStore(useMemo(() => documentStore<T>(db as WholeDatabase, key), [baseOf(db), key]));
}

/**
 * The rows that a query finds, in its order. The query may be another object each time: what it asks for counts. Rows that
 * have not changed are the same objects as before.
 *
 * ```tsx
 * const { value: tasks = [] } = useQuery<Task>(db, { where: { done: false }, orderBy: "due", limit: 20 });
 * return <ul>{tasks.map(({ key, value }) => <li key={key}>{value.title}</li>)}</ul>;
 * ```
 */
export function useQuery<D>(db: Watched<D> | undefined, query: Query<D>): StoreState<Row<D>[]>;
export function useQuery<T>(db: WholeDatabase | undefined, query: Query<T>): StoreState<Row<T>[]>;
export function useQuery<T>(db: Watched<unknown> | undefined, query: Query<T>): StoreState<Row<T>[]> {
  return useStore(useMemo(() => queryStore<T>(db as WholeDatabase, query), [baseOf(db), queryName(query)]));
}

function useStore<T>(store: Store<T>): StoreState<T> {
  return useSyncExternalStore<StoreState<T>>(store.subscribe, store.get, atFirst);
}

function atFirst(): typeof LOADING {
  return LOADING;
}
