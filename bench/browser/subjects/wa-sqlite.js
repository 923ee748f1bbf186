// wa-sqlite over its pool of OPFS files. Its verbs are those of SQLite's C API, some of them asynchronous.
import { AccessHandlePoolVFS, Factory, SQLITE_ROW, SQLiteESMFactory } from "../peers/wa-sqlite.js";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, document TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS documents_group ON documents (document ->> '$.group');
  CREATE INDEX IF NOT EXISTS documents_city ON documents (document ->> '$.address.city');`;

export async function open(name) {
  const sqlite3 = Factory(await SQLiteESMFactory());
  const vfs = new AccessHandlePoolVFS("/wa-sqlite");
  await vfs.isReady;
  sqlite3.vfs_register(vfs, true);
  const db = await sqlite3.open_v2(name);
  await sqlite3.exec(db, "PRAGMA locking_mode = exclusive; PRAGMA synchronous = full; PRAGMA cache_size = -8192;");
  await sqlite3.exec(db, SCHEMA);

  const strings = [];
  const statements = [];
  const prepare = async (sql) => {
    const string = sqlite3.str_new(db, sql);
    strings.push(string);
    const { stmt } = await sqlite3.prepare_v2(db, sqlite3.str_value(string));
    statements.push(stmt);
    return stmt;
  };
  const put = await prepare("INSERT INTO documents VALUES (?, ?) ON CONFLICT DO UPDATE SET document = excluded.document");
  const remove = await prepare("DELETE FROM documents WHERE key = ?");
  const get = await prepare("SELECT document FROM documents WHERE key = ?");
  const getMany = await prepare(
    "SELECT document FROM json_each(?) AS wanted CROSS JOIN documents ON documents.key = wanted.value ORDER BY wanted.key",
  );
  const scan = await prepare("SELECT document FROM documents ORDER BY key");
  const range = await prepare("SELECT document FROM documents WHERE key >= ? ORDER BY key LIMIT ?");
  const equals = await prepare("SELECT document FROM documents WHERE document ->> '$.group' = ?");
  const equalsKeys = await prepare("SELECT key FROM documents WHERE document ->> '$.group' = ?");
  const nested = await prepare("SELECT document FROM documents WHERE document ->> '$.address.city' = ?");
  const nestedRange = await prepare("SELECT document FROM documents WHERE document ->> '$.address.city' BETWEEN ? AND ?");

  /** The verbs are asynchronous, and a statement is used by one call at a time. */
  let last = Promise.resolve();
  const alone = (action) => (last = last.then(action));
  const texts = async (statement, values = []) => {
    sqlite3.bind_collection(statement, values);
    const found = [];
    while ((await sqlite3.step(statement)) === SQLITE_ROW) found.push(sqlite3.column_text(statement, 0));
    await sqlite3.reset(statement);
    return found;
  };
  const all = async (statement, values) => (await texts(statement, values)).map((text) => JSON.parse(text));
  const one = async (key) => (await all(get, [key]))[0];
  const transaction = async (action) => {
    await sqlite3.exec(db, "BEGIN IMMEDIATE");
    await action();
    await sqlite3.exec(db, "COMMIT");
  };
  const putAll = (pairs) =>
    transaction(async () => {
      for (const [key, document] of pairs) await texts(put, [key, JSON.stringify(document)]);
    });
  return {
    put: (key, document) => alone(() => texts(put, [key, JSON.stringify(document)])),
    insertMany: putAll,
    get: one,
    getMany: (keys) => all(getMany, [JSON.stringify(keys)]),
    scan: () => all(scan),
    range: (from, limit) => all(range, [from, limit]),
    equals: (group) => all(equals, [group]),
    equalsKeys: (group) => texts(equalsKeys, [group]),
    nested: (city) => all(nested, [city]),
    nestedRange: (from, to) => all(nestedRange, [from, to]),
    updateMany: putAll,
    deleteMany: (keys) =>
      transaction(async () => {
        for (const key of keys) await texts(remove, [key]);
      }),
    close: async () => {
      for (const statement of statements) await sqlite3.finalize(statement);
      for (const string of strings) sqlite3.str_finish(string);
      await sqlite3.close(db);
      await vfs.close();
    },
  };
}
