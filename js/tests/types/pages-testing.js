// The code of docs/testing-your-app.md, as in pages.tsx. The compiler parses it; the test frameworks are not installed here.
import { Ferrolite } from "ferrolite";
import { TestEnvironment } from "jest-environment-jsdom";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

let db;
beforeEach(async () => {
  db = await Ferrolite.open("test", { storage: "memory" });
});
afterEach(() => db.close());

test("a note is stored", async () => {
  await db.set("note:1", { text: "milk" });
  expect(await db.get("note:1")).toEqual({ text: "milk" });
});

test("a session expires", async () => {
vi.useFakeTimers();
await db.setEx("session", { user: "ann" }, 60);
await vi.advanceTimersByTimeAsync(61_000);
expect(await db.get("session")).toBe(undefined);
});

export default class extends TestEnvironment {
  async setup() {
    await super.setup();
    Object.assign(this.global, { TextEncoder, TextDecoder, ReadableStream });
  }
}
