// Does one part of the work with one subject in a dedicated worker, and tells the page.
import { perform } from "./perform.js";

globalThis.onmessage = async ({ data: task }) => {
  try {
    const result = await perform(task, "worker", {
      onFirst: () => postMessage({ first: true }),
      measureMemory: () => asked("memory"),
    });
    postMessage({ result });
  } catch (error) {
    postMessage({ error: String(error?.stack ?? error) });
  }
};

/** What only the page can tell. */
function asked(what) {
  return new Promise((resolve) => {
    const previous = globalThis.onmessage;
    globalThis.onmessage = ({ data }) => {
      globalThis.onmessage = previous;
      resolve(data.answer);
    };
    postMessage({ ask: what });
  });
}
