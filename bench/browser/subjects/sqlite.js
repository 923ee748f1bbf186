// SQLite's own build, over its pool of OPFS files: documents are JSON texts, with indexes on expressions.
import { sqlite3InitModule } from "../peers/sqlite.js";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, document TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS documents_group ON documents (document ->> '$.group');
  CREATE INDEX IF NOT EXISTS documents_city ON documents (document ->> '$.address.city');`;

export async function open(name, { journal }) {
  const sqlite3 = await sqlite3InitModule({ print: () => {}, printErr: () => {} });
  const pool = await sqlite3.installOpfsSAHPoolVfs({ directory: "sqlite" });
  const db = new pool.OpfsSAHPoolDb(`/${name}.sqlite`);
  // WAL without shared memory works for one connection that keeps the lock.
  db.exec(
    `PRAGMA locking_mode = exclusive; PRAGMA journal_mode = ${journal}; PRAGMA synchronous = full; PRAGMA cache_size = -8192;`,
  );
  db.exec(SCHEMA);

  const put = db.prepare("INSERT INTO documents VALUES (?, ?) ON CONFLICT DO UPDATE SET document = excluded.document");
  const remove = db.prepare("DELETE FROM documents WHERE key = ?");
  const get = db.prepare("SELECT document FROM documents WHERE key = ?");
  const getMany = db.prepare(
    "SELECT document FROM json_each(?) AS wanted CROSS JOIN documents ON documents.key = wanted.value ORDER BY wanted.key",
  );
  const scan = db.prepare("SELECT document FROM documents ORDER BY key");
  const range = db.prepare("SELECT document FROM documents WHERE key >= ? ORDER BY key LIMIT ?");
  const equals = db.prepare("SELECT document FROM documents WHERE document ->> '$.group' = ?");
  const equalsKeys = db.prepare("SELECT key FROM documents WHERE document ->> '$.group' = ?");
  const nested = db.prepare("SELECT document FROM documents WHERE document ->> '$.address.city' = ?");
  const nestedRange = db.prepare("SELECT document FROM documents WHERE document ->> '$.address.city' BETWEEN ? AND ?");
  const statements = [put, remove, get, getMany, scan, range, equals, equalsKeys, nested, nestedRange];

  const run = (statement, values) => statement.bind(values).stepReset();
  const texts = (statement, values = []) => {
    if (values.length > 0) statement.bind(values);
    const found = [];
    while (statement.step()) found.push(statement.getString(0));
    statement.reset();
    return found;
  };
  const all = (statement, values) => texts(statement, values).map((text) => JSON.parse(text));
  const one = (key) => {
    get.bind(key);
    const document = get.step() ? JSON.parse(get.getString(0)) : undefined;
    get.reset();
    return document;
  };
  const putAll = (pairs) =>
    db.transaction(() => {
      for (const [key, document] of pairs) run(put, [key, JSON.stringify(document)]);
    });
  return {
    put: (key, document) => void run(put, [key, JSON.stringify(document)]),
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
      db.transaction(() => {
        for (const key of keys) run(remove, [key]);
      }),
    close: () => {
      for (const statement of statements) statement.finalize();
      db.close();
    },
  };
}
