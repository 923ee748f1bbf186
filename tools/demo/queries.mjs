// What the demo asks on every host: plain data, so that each host can put it in its own words.

/** The paths that get an index. */
export const INDEXES = ["status.deprecated", "since.chrome", "since.safari", "support.firefox.version_added", "release_date"];

/** The questions, with what they mean. `verb` is the database's; the rest is what it is given. */
export const QUERIES = [
  { text: "documents in all", verb: "count", range: {} },
  { text: "properties and values of CSS", verb: "count", range: { prefix: "css.properties." } },
  { text: "Array.prototype.flat()", verb: "get", key: "javascript.builtins.Array.flat" },
  { text: "something that is not there", verb: "get", key: "javascript.builtins.Array.smoosh" },
  { text: 'the last 5 keys below "http"', verb: "keys", range: { lt: "http", reverse: true, limit: 5 } },
  { text: "deprecated features", verb: "find", path: "status.deprecated", condition: true },
  { text: "new in Chrome 120 to 124", verb: "find", path: "since.chrome", condition: { gte: 120, lt: 125 } },
  { text: "newest 10 in Safari", verb: "find", path: "since.safari", condition: { gt: 0 }, options: { reverse: true, limit: 10 } },
  { text: "in preview versions of Firefox", verb: "find", path: "support.firefox.version_added", condition: "preview" },
  { text: "never in Firefox", verb: "find", path: "support.firefox.version_added", condition: false },
  { text: "browser releases of 2025", verb: "find", path: "release_date", condition: { gte: "2025-01-01", lt: "2026-01-01" } },
  { text: "defined with fetch() (path without an index)", verb: "find", path: "source_file", condition: "api/_globals/fetch.json" },
  { text: "500 documents at once", verb: "getMany", from: "api.", count: 500 },
  { text: "digest of all documents", verb: "digest", range: {} },
];

/** How many documents one commit stores while loading. */
export const BATCH_DOCUMENTS = 1000;

/** An answer in one line. */
export function summary(answer) {
  const text =
    answer === null
      ? "none"
      : typeof answer === "number"
        ? answer.toLocaleString("en")
        : Array.isArray(answer)
          ? [answer.length.toLocaleString("en"), answer.slice(0, 5).join(", ")].join(": ")
          : answer;
  return text.length > 90 ? `${text.slice(0, 90)}…` : text;
}
