// Keeps what was called, what came back and how long it took, the last call first.

const ENTRIES_MAX = 200;

/** A duration in words. */
export function duration(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  return milliseconds >= 10 ? `${Math.round(milliseconds)} ms` : `${milliseconds.toFixed(1)} ms`;
}

export class Journal {
  #list;

  constructor(list) {
    this.#list = list;
  }

  /** Runs `work`, notes the call `text` and its time. `outcome` puts the result in words. */
  async time(text, work, outcome = () => "") {
    const start = performance.now();
    try {
      const result = await work();
      const milliseconds = performance.now() - start;
      this.#add(text, milliseconds, outcome(result));
      return { result, milliseconds };
    } catch (error) {
      this.#add(text, performance.now() - start, `${error.code ?? error.name}: ${error.message}`, "failed");
      throw error;
    }
  }

  #add(text, milliseconds, outcome, kind = "") {
    const entry = document.createElement("li");
    entry.className = kind;
    const parts = { code: text, time: duration(milliseconds), small: outcome };
    for (const [tag, content] of Object.entries(parts)) {
      if (content === "") continue;
      const part = document.createElement(tag);
      part.textContent = content;
      entry.append(part);
    }
    this.#list.prepend(entry);
    while (this.#list.children.length > ENTRIES_MAX) this.#list.lastChild.remove();
  }
}
