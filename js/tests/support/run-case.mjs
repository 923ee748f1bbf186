// Runs one shared case on the host it is called on.

let count = 0;

/**
 * `host` has the package's exports, `options` for `open`, whether data persists, a `directory` prefix for names, and
 * `list()`, which gives names as `open` takes them; where data persists also `rewrite(name, change)`, which changes the
 * bytes of a file.
 */
export async function runCase(testCase, host) {
  const { Ferrolite, options, directory = "" } = host;
  const name = `${directory}case-${Date.now().toString(36)}-${++count}`;
  const opened = [];
  const open = async (more) => {
    const db = await Ferrolite.open(name, { ...options, ...more });
    opened.push(db);
    return db;
  };
  const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  try {
    await testCase.run({ ...host, name, open, sleep });
  } finally {
    for (const db of opened) await db.close();
    await Ferrolite.delete(name);
  }
}
