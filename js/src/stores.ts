/**
 * Documents and queries as stores: a value that is told again whenever it changes, by Svelte's contract
 * (`subscribe(run)` calls `run` at once and from then on, and returns what ends it). Vue and others take a few lines.
 *
 * A store is a light thing that can be made anywhere. While somebody subscribes to it, or to another of the same document or
 * query of the same collection, one watch follows the database for all of them, so that they are always told the same.
 */
import { closed } from "./protocol/caller.js";
import type { Collection } from "./api/collection.js";
import type { Database } from "./api/database.js";
import { FerroliteError } from "./error.js";
import { type Query, queryText } from "./api/query.js";
import type { SyncCollection } from "./sync/generated/collection.js";
import type { SyncDatabase } from "./sync/generated/database.js";
import { queueMicrotask } from "./protocol/timers.js";
import type { Row, RowChanges } from "./types.js";

/** A collection, or a database, whose verbs give promises or values. */
export type Watched<D> = Collection<D, any> | SyncCollection<D, any>;

/** A database, of whose default collection only its user knows the types. */
export type WholeDatabase = Database | SyncDatabase;

/** What a store tells. It is another object when something has changed, and the same as long as nothing has. */
export type StoreState<T> =
  /** It has not been read yet, or nobody subscribes. */
  | { readonly status: "loading"; readonly value: undefined; readonly error: undefined }
  | { readonly status: "ready"; readonly value: T; readonly error: undefined }
  /** It is not followed any more; `value` is the last one, if there was one. */
  | { readonly status: "failed"; readonly value: T | undefined; readonly error: FerroliteError };

/** A value that changes, as Svelte and others subscribe to it. */
export interface Store<T> {
  /** Calls `run` with the present state, and with each that follows. The function that is returned ends that. */
  subscribe(run: (state: StoreState<T>) => void): () => void;
  /** The present state: of one that nobody subscribes to it is `"loading"`. */
  get(): StoreState<T>;
}

/** @internal What a store tells as long as it knows nothing; on a server, always. */
export const LOADING: StoreState<never> & { readonly status: "loading" } = { status: "loading", value: undefined, error: undefined };

/**
 * The document at `key`; its value is `undefined` while there is none. Without a database, which may be still about to be
 * opened, it is `"loading"`.
 *
 * ```ts
 * const settings = documentStore<Settings>(db, "settings");
 * const stop = settings.subscribe(({ value }) => value && apply(value));
 * ```
 */
export function documentStore<D>(db: Watched<D> | undefined, key: string): Store<D | undefined>;
export function documentStore<T>(db: WholeDatabase | undefined, key: string): Store<T | undefined>;
export function documentStore<T>(db: Watched<unknown> | undefined, key: string): Store<T | undefined> {
  return shared(db, `document ${key}`, (of) => followDocument<T>(of, key));
}

/**
 * The rows that a query finds, in its order. Rows that have not changed are the same objects as before. As with `watchQuery`,
 * there is no `offset` and no `after`.
 *
 * ```ts
 * const open = queryStore<Task>(db, { where: { done: false }, orderBy: "due", limit: 20 });
 * ```
 */
export function queryStore<D>(db: Watched<D> | undefined, query: Query<D>): Store<Row<D>[]>;
export function queryStore<T>(db: WholeDatabase | undefined, query: Query<T>): Store<Row<T>[]>;
export function queryStore<T>(db: Watched<unknown> | undefined, query: Query<T>): Store<Row<T>[]> {
  return shared(db, queryName(query), (of) => followQuery<T>(of, query));
}

/** @internal What queries that ask for the same have in common. */
export function queryName(query: unknown): string {
  try {
    return `query ${queryText(query)}`;
  } catch (thrown) {
    // The watch will say the same.
    return `no query: ${(thrown as Error).message}`;
  }
}

/** Tells each value as it comes, until the signal; what it throws is why there are no more. */
type Follow<T> = (tell: (value: T) => void, signal: AbortSignal) => Promise<void>;

/** What is followed at the moment, by its name, of each collection. */
const followed = new WeakMap<object, Map<string, Following<any>>>();

/** @internal What those share that follow the same collection: what they read does not depend on a validator. */
export function baseOf<D>(db: Watched<D> | undefined): Watched<unknown> | undefined {
  return db?.schema === undefined ? db : db.base;
}

function shared<T>(of: Watched<unknown> | undefined, name: string, follow: (of: Watched<unknown>) => Follow<T>): Store<T> {
  const db = baseOf(of);
  if (db === undefined) {
    return {
      subscribe(run) {
        run(LOADING);
        return () => {};
      },
      get: () => LOADING,
    };
  }
  const present = (): Following<T> | undefined => followed.get(db)?.get(name);
  return {
    subscribe(run) {
      const all = followed.get(db) ?? new Map<string, Following<any>>();
      followed.set(db, all);
      const following = present() ?? new Following(follow(db), () => all.delete(name));
      all.set(name, following);
      return following.subscribe(run);
    },
    get: () => present()?.state ?? LOADING,
  };
}

/** One watch for all who subscribe. */
class Following<T> {
  state: StoreState<T> = LOADING;
  readonly #runs = new Set<(state: StoreState<T>) => void>();
  readonly #controller = new AbortController();
  readonly #forget: () => void;

  constructor(follow: Follow<T>, forget: () => void) {
    this.#forget = forget;
    void this.#run(follow);
  }

  subscribe(run: (state: StoreState<T>) => void): () => void {
    // Somebody may subscribe twice with the same function.
    const own = (state: StoreState<T>) => run(state);
    this.#runs.add(own);
    run(this.state);
    return () => {
      if (!this.#runs.delete(own) || this.#runs.size > 0) return;
      // Who leaves may be followed at once by who comes, as where a component takes another's place.
      queueMicrotask(() => this.#endWithout());
    };
  }

  #endWithout(): void {
    if (this.#runs.size > 0 || this.#controller.signal.aborted) return;
    this.#forget();
    this.#controller.abort();
  }

  async #run(follow: Follow<T>): Promise<void> {
    const { signal } = this.#controller;
    for (;;) {
      try {
        await follow((value) => this.#tell({ status: "ready", value, error: undefined }), signal);
        // A watch ends by itself when the database is closed.
        throw closed();
      } catch (thrown) {
        const error = FerroliteError.from(thrown, "Internal");
        if (signal.aborted) return;
        // Changes came faster than they were taken: it begins anew with what is there now.
        if (error.code === "ChangesLost") continue;
        return this.#tell({ status: "failed", value: this.state.value, error });
      }
    }
  }

  #tell(state: StoreState<T>): void {
    if (this.#controller.signal.aborted) return;
    this.state = state;
    for (const run of [...this.#runs]) {
      if (!this.#runs.has(run)) continue;
      try {
        run(state);
      } catch (thrown) {
        // What one subscriber throws is not for the others.
        queueMicrotask(() => {
          throw thrown;
        });
      }
    }
  }
}

function followDocument<T>(db: Watched<unknown>, key: string): Follow<T | undefined> {
  return async (tell, signal) => {
    const changes = db.watch<T>({ key }, { signal });
    try {
      // Asked for in the same turn, it is of the moment at which the watch begins.
      tell(await db.get<T>(key));
      for await (const change of changes) {
        // One that was overwritten meanwhile comes without a value, and another follows.
        if (change.kind !== "set") tell(undefined);
        else if ("value" in change) tell(change.value);
      }
    } finally {
      await changes.return();
    }
  };
}

function followQuery<T>(db: Watched<unknown>, query: Query<T>): Follow<Row<T>[]> {
  return async (tell, signal) => {
    let rows: Row<T>[] | undefined;
    for await (const change of db.watchQuery<T>(query, { signal })) {
      if (rows === undefined) rows = change.added;
      else if (change.added.length > 0 || query.orderBy !== undefined) rows = keepingSame(rows, await rowsOf(db, query));
      else rows = changedInPlace(rows, change);
      tell(rows);
    }
  };
}

/** What a query finds, at once or by a promise. */
function rowsOf<T>(db: Watched<unknown>, query: Query<T>): Promise<Row<T>[]> | Row<T>[] {
  // To the compiler the overloads of both are different.
  return (db as Collection).query<T>(query);
}

/** Rows as they are now, with the objects of before where nothing has changed. */
function keepingSame<T>(before: Row<T>[], now: Row<T>[]): Row<T>[] {
  const old = new Map(before.map((row) => [row.key, row]));
  return now.map((row) => {
    const same = old.get(row.key);
    return same?.version === row.version ? same : row;
  });
}

/** The rows after changes that leave their order as it is. */
function changedInPlace<T>(before: Row<T>[], { changed, removed }: RowChanges<T>): Row<T>[] {
  const written = new Map(changed.map((row) => [row.key, row]));
  const gone = new Set(removed);
  return before.filter(({ key }) => !gone.has(key)).map((row) => written.get(row.key) ?? row);
}
