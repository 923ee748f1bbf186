// What the demo's data set suggests to index and to ask. Any other NDJSON file works as well.

/** Where `tools/serve.mjs` has the data set. */
export const dataUrl = "data/data.ndjson";
export const aboutUrl = "data/about.json";

/** Paths worth an index. */
export const paths = [
  "status.deprecated",
  "since.chrome",
  "since.safari",
  "support.firefox.version_added",
  "release_date",
  "source_file",
];

/** Questions, as the find form takes them. */
export const presets = [
  { text: "deprecated", path: "status.deprecated", operator: "equals", value: "true" },
  { text: "new in Chrome 120–124", path: "since.chrome", operator: "between", value: "120", value2: "125" },
  { text: "newest in Safari", path: "since.safari", operator: "gt", value: "0", reverse: true },
  { text: "Firefox preview", path: "support.firefox.version_added", operator: "equals", value: '"preview"' },
  { text: "released in 2025", path: "release_date", operator: "between", value: '"2025-01-01"', value2: '"2026-01-01"' },
  { text: "defined with fetch()", path: "source_file", operator: "equals", value: '"api/_globals/fetch.json"' },
  { text: "CSS properties", path: "", operator: "prefix", value: "css.properties." },
];
