// How long it takes from the import of the package to the first document that is on the disk: in a Chromium that has been started
// for it, by a page that has nothing cached. Prints the milliseconds of each part, counted from the import.
// Usage: node bench/run/first-write.mjs [RUNS]
import { startChromium } from "../../js/tests/support/chromium.mjs";
import { mounts } from "../../js/tests/support/mounts.mjs";
import { serve } from "../../tools/serve.mjs";

/** How long a browser is left alone after its start, which takes all processors. */
const SETTLE_MS = 1000;

const runs = Number(process.argv[2] ?? 15);
const server = await serve(mounts);
const taken = [];
for (let run = 0; run < runs; run++) {
  const browser = await startChromium();
  const page = await browser.context.newPage();
  await page.goto(`${server.url}tests/projects/blank.html`);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  taken.push(
    await page.evaluate(async () => {
      const startMs = performance.now();
      const { Ferrolite } = await import("/ferrolite/index.js");
      const importedMs = performance.now();
      const db = await Ferrolite.open("first");
      const openMs = performance.now();
      await db.set("key", { n: 1 });
      return [importedMs, openMs, performance.now()].map((ms) => ms - startMs);
    }),
  );
  await browser.close();
}
await server.close();

console.log(`${runs} cold starts of Chromium, ms: median (fastest to slowest)`);
for (const [at, what] of ["imported", "open", "first document written"].entries()) {
  const sorted = taken.map((parts) => parts[at]).sort((a, b) => a - b);
  const [median, fastest, slowest] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)].map(Math.round);
  console.log(`${what.padEnd(24)} ${median} (${fastest} to ${slowest})`);
}
