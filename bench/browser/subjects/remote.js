// A subject that works in dedicated workers alone, called from a page: one message a call, and one with the answer.

/** What a database can be asked for; a worker says which of them its own has. */
export async function open(name, { subject, count, part }) {
  const worker = new Worker(new URL("remote-worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  let calls = 0;
  const call = (verb, values) =>
    new Promise((resolve, reject) => {
      waiting.set(++calls, { resolve, reject });
      worker.postMessage([calls, verb, values]);
    });
  worker.onmessage = ({ data: [id, answer, error] }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(answer);
    else reject(new Error(error));
  };
  const verbs = await call("open", [subject, name, { count, part }]);
  const db = Object.fromEntries(verbs.map((verb) => [verb, (...values) => call(verb, values)]));
  const close = async () => {
    await call("close", []);
    worker.terminate();
  };
  return { ...db, close };
}
