// What the machine and the browser allow, beside which the figures are to be read: called from the page.
import { median } from "./work.js";

const ROUND_TRIPS = 500;

/** The rows of the table of limits, in order. */
export const limitRows = {
  append: { work: "OPFS append in batches of 1,000 documents, one write and one flush each", unit: "us/document" },
  commit: { work: "OPFS append of one document, one write and one flush, p50 of 500", unit: "us" },
  write: { work: "the same without the flush", unit: "us" },
  read: { work: "OPFS read of one document at random", unit: "us" },
  readAll: { work: "OPFS read of all documents at once", unit: "ms" },
  decode: { work: "UTF-8 of all documents to strings, one by one", unit: "us/document" },
  parse: { work: "JSON.parse of all documents, one by one", unit: "us/document" },
  parseAll: { work: "JSON.parse of all documents as one array", unit: "us/document" },
  stringify: { work: "JSON.stringify of all documents, one by one", unit: "us/document" },
  copy: { work: "memcpy of the bytes of all documents", unit: "ms" },
  trip: { work: "message to a worker and back, one after the other", unit: "us" },
  trips: { work: "500 messages to a worker and back, sent together", unit: "us/message" },
  transfer: { work: "2,000 documents from a worker: one buffer of JSON, transferred and parsed", unit: "ms" },
  clone: { work: "2,000 documents from a worker: as objects, cloned", unit: "ms" },
};

export async function limits(count) {
  const worker = new Worker("./limits-worker.js", { type: "module" });
  const waiting = [];
  const failed = new Promise((_, reject) => (worker.onerror = ({ message }) => reject(new Error(message || "no worker"))));
  worker.onmessage = ({ data }) => waiting.shift()(data);
  const ask = (...message) => {
    worker.postMessage(message);
    return Promise.race([failed, new Promise((resolve) => waiting.push(resolve))]);
  };

  const figures = await ask("limits", count);
  const trips = [];
  for (let trip = 0; trip < ROUND_TRIPS; trip++) trips.push(await timed(() => ask("echo", trip)));
  figures.trip = median(trips) * 1000;
  figures.trips = ((await timed(() => Promise.all(trips.map((_, trip) => ask("echo", trip))))) * 1000) / ROUND_TRIPS;
  figures.transfer = await several(async () => JSON.parse(new TextDecoder().decode(await ask("buffer"))));
  figures.clone = await several(() => ask("objects"));
  worker.terminate();
  return { figures, checks: {} };
}

async function timed(action) {
  const startMs = performance.now();
  await action();
  return performance.now() - startMs;
}

async function several(action) {
  const taken = [];
  for (let run = 0; run < 6; run++) taken.push(await timed(action));
  return median(taken.slice(1));
}
