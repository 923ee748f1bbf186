// Runs one part of the work with one subject from this page, which is fresh: `bench(task)` gives `{ figures, checks }`.
import { perform } from "./perform.js";
import { limits } from "./limits.js";

/** From here until the first document is there, or read: the scripts of the subject are part of it. */
async function bench(task) {
  const name = task.part === "load" ? "first" : "open";
  if (task.place === "page") {
    const startMs = performance.now();
    let firstMs;
    const result = await perform(task, "page", { onFirst: () => (firstMs = performance.now() - startMs), measureMemory });
    return { ...result, figures: { ...result.figures, [name]: firstMs } };
  }
  const startMs = performance.now();
  const worker = new Worker("./worker.js", { type: "module" });
  worker.postMessage(task);
  let firstMs;
  const result = await new Promise((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(message || "the worker does not start"));
    worker.onmessage = async ({ data }) => {
      if (data.first) firstMs = performance.now() - startMs;
      else if (data.ask) worker.postMessage({ answer: await measureMemory() });
      else if (data.error) reject(new Error(data.error));
      else resolve(data.result);
    };
  });
  // A profile is taken of it.
  if (!task.keepWorker) worker.terminate();
  return { ...result, figures: { ...result.figures, [name]: firstMs } };
}

/**
 * Megabytes that this page and its workers hold, after garbage was collected: of JavaScript alone, and of the process, with its
 * WebAssembly. Only who has started the browser can tell the second, and have the first done at once, not in some seconds.
 */
async function measureMemory() {
  if (globalThis.processMegabytes === undefined) return {};
  const { bytes } = await performance.measureUserAgentSpecificMemory();
  return { heap: bytes / 1e6, process: (await globalThis.processMegabytes()) - atStart };
}

/** What a page that does nothing holds is no subject's. */
const atStart = await globalThis.processMegabytes?.();

Object.assign(globalThis, { bench, benchLimits: limits });
