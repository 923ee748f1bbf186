// PGlite: PostgreSQL over a pool of OPFS files, with a jsonb column and indexes on expressions.
import { PGlite } from "../peers/pglite.js";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS documents (key text COLLATE "C" PRIMARY KEY, document jsonb NOT NULL);
  CREATE INDEX IF NOT EXISTS documents_group ON documents ((document ->> 'group') COLLATE "C");
  CREATE INDEX IF NOT EXISTS documents_city ON documents ((document #>> '{address,city}') COLLATE "C");`;
const UPSERT = "ON CONFLICT (key) DO UPDATE SET document = excluded.document";
const GROUP = `(document ->> 'group') COLLATE "C"`;
const CITY = `(document #>> '{address,city}') COLLATE "C"`;

export async function open(name) {
  const db = await PGlite.create(`opfs-ahp://${name}`);
  await db.exec(SCHEMA);

  const column = async (sql, values = []) => {
    const { rows } = await db.query(sql, values, { rowMode: "array" });
    return rows.map(([value]) => value);
  };
  const select = (rest, values) => column(`SELECT document FROM documents ${rest}`, values);
  const putAll = (pairs) =>
    db.query(`INSERT INTO documents SELECT key, document FROM json_to_recordset($1) AS rows(key text, document jsonb) ${UPSERT}`, [
      pairs.map(([key, document]) => ({ key, document })),
    ]);
  return {
    put: (key, document) => db.query(`INSERT INTO documents VALUES ($1, $2) ${UPSERT}`, [key, document]),
    insertMany: putAll,
    get: async (key) => (await select("WHERE key = $1", [key]))[0],
    getMany: (keys) =>
      column(
        "SELECT document FROM unnest($1::text[]) WITH ORDINALITY AS wanted(key, place) JOIN documents USING (key) ORDER BY place",
        [keys],
      ),
    scan: () => select("ORDER BY key"),
    range: (from, limit) => select("WHERE key >= $1 ORDER BY key LIMIT $2", [from, limit]),
    equals: (group) => select(`WHERE ${GROUP} = $1`, [group]),
    equalsKeys: (group) => column(`SELECT key FROM documents WHERE ${GROUP} = $1`, [group]),
    nested: (city) => select(`WHERE ${CITY} = $1`, [city]),
    nestedRange: (from, to) => select(`WHERE ${CITY} BETWEEN $1 AND $2`, [from, to]),
    updateMany: putAll,
    deleteMany: (keys) => db.query("DELETE FROM documents WHERE key = ANY($1::text[])", [keys]),
    close: () => db.close(),
  };
}
