// Does what `remote.js` asks for.
import { subjects } from "../subjects.js";

let db;

globalThis.onmessage = async ({ data: [id, verb, values] }) => {
  try {
    postMessage([id, verb === "open" ? await opened(...values) : await db[verb](...values)]);
  } catch (error) {
    postMessage([id, undefined, String(error?.stack ?? error)]);
  }
};

async function opened(subject, name, more) {
  const [driver, options] = subjects[subject].worker;
  const { open } = await import(`./${driver}.js`);
  db = await open(name, { ...options, ...more });
  return Object.keys(db);
}
