// A folder for one test file, and programs that run in processes of their own.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const packageUrl = new URL("../../dist/node.js", import.meta.url).href;

/** A folder that is removed after the tests. */
export function temporaryDirectory() {
  const directory = mkdtempSync(join(tmpdir(), "ferrolite-test-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * Runs a module text in a process of its own, with the package's exports in scope and `args` as an array.
 * `line()` resolves with the next line it prints, `ended` with `{ code, signal, output }`.
 */
export function program(text, ...args) {
  const head = `import { Ferrolite, Transaction } from ${JSON.stringify(packageUrl)};\nconst args = ${JSON.stringify(args)};\n`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", head + text], { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  let taken = 0;
  const waiting = [];
  const serve = () => {
    for (let end = output.indexOf("\n", taken); waiting.length > 0 && end >= 0; end = output.indexOf("\n", taken)) {
      waiting.shift()(output.slice(taken, end));
      taken = end + 1;
    }
  };
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    output += chunk;
    serve();
  });
  const ended = new Promise((resolve) => {
    child.on("close", (code, signal) => {
      while (waiting.length > 0) waiting.shift()(undefined);
      resolve({ code, signal, output });
    });
  });
  const line = () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      serve();
    });
  return { child, line, ended, kill: (signal) => child.kill(signal) };
}
