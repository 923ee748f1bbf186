// What a tab or a worker does in the tests of tabs: works on a database that others work on, too, and counts.
//
// Each turn is one message with three writes, so one group: a counter of its own, one of all, and a document. As these are
// applied together, the counter of all is the sum of the others whatever is cut short; the document of each count is there
// once it was acknowledged; and each count is the one before plus one, unless a message is lost or applied twice.

/** Works until `stop` is called; `acknowledge(count, startMs)` is called once a turn is acknowledged. */
export function work(db, who, acknowledge) {
  let isOver = false;
  const run = async () => {
    let count = (await db.get(`own:${who}`)) ?? 0;
    while (!isOver) {
      const startMs = Date.now();
      const [own, , , read] = await Promise.all([
        db.increment(`own:${who}`),
        db.increment("all"),
        db.set(`turn:${who}:${count + 1}`, { who, count: count + 1, text: "x".repeat(count % 200) }),
        db.get(`own:${who}`),
      ]);
      if (own !== count + 1 || read < own) throw new Error(`${who}: ${count} is followed by ${own}, and reads as ${read}`);
      count = own;
      acknowledge(count, startMs);
      if (count % 10 === 0) await transact(db, who, count);
      // As somebody who types; without it the tabs only measure how fast the machine is.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return count;
  };
  const over = run();
  return {
    over,
    stop: () => {
      isOver = true;
      return over;
    },
  };
}

/** Adds one to a number by reading and writing, and to the writer's own share of it. */
async function transact(db, who) {
  await db.transaction(async (tx) => {
    const [sum, share] = [(await tx.get("sum")) ?? 0, (await tx.get(`share:${who}`)) ?? 0];
    await tx.set("sum", sum + 1);
    await tx.set(`share:${who}`, share + 1);
  }, { retries: 100 });
}

/** What is there, to be compared with what was acknowledged. */
export async function look(db) {
  const snapshot = await db.snapshot();
  const sumOf = async (prefix) => (await snapshot.values({ prefix })).reduce((sum, value) => sum + value, 0);
  const own = Object.fromEntries(await snapshot.entries({ prefix: "own:" }));
  const turns = {};
  for (const key of await snapshot.keys({ prefix: "turn:" })) {
    const [, who] = key.split(":");
    turns[who] = (turns[who] ?? 0) + 1;
  }
  const found = {
    own: Object.fromEntries(Object.entries(own).map(([key, count]) => [key.slice("own:".length), count])),
    turns,
    all: (await snapshot.get("all")) ?? 0,
    ownSum: await sumOf("own:"),
    sum: (await snapshot.get("sum")) ?? 0,
    shareSum: await sumOf("share:"),
    problems: (await db.check({ full: true })).problems,
  };
  await snapshot.close();
  return found;
}
