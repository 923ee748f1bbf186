// Where this machine's Chromium is, and how to start it without a window.
import { execFileSync } from "node:child_process";

/** The path of Chromium or Chrome: `FERROLITE_CHROMIUM`, or the first on PATH. */
export function findChromium() {
  if (process.env.FERROLITE_CHROMIUM) return process.env.FERROLITE_CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("/bin/sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    } catch {
      // Not this one.
    }
  }
  throw new Error("no Chromium on PATH; tools/setup.sh browser installs it");
}

/** Arguments for a run that talks to nobody but the page's own server. */
export const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
