// A reporter of Node's test runner that prints nothing: it records the duration of each test file as a part of `make test`
// (see tools/part.sh). Its figure is the sum of the file's outermost tests.
import { appendFileSync } from "node:fs";
import { basename } from "node:path";

export default async function* report(events) {
  const seconds = new Map();
  for await (const { type, data } of events) {
    if ((type !== "test:pass" && type !== "test:fail") || data.nesting > 0 || !data.file) continue;
    seconds.set(data.file, (seconds.get(data.file) ?? 0) + data.details.duration_ms / 1000);
  }
  const lines = [...seconds].map(([file, sum]) => `${sum.toFixed(1)}\t\tjs/tests/${basename(file)}\n`);
  if (process.env.FERROLITE_PARTS) appendFileSync(process.env.FERROLITE_PARTS, lines.join(""));
  yield "";
}
