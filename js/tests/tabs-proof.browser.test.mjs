// Encrypted databases that tabs share: who leads and who follows know the secret, and nobody else of the origin gets it.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";
import { mounts } from "./support/mounts.mjs";
import { load } from "./support/sharing.mjs";

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
let server, browser;

before(async () => {
  server = await serve(mounts);
  browser = await startChromium();
});

afterEach(async () => {
  for (const page of browser.context.pages()) await page.close();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

async function tab() {
  const page = await browser.context.newPage();
  await load(page, server);
  return page;
}

const byKey = (fill) => `{ key: new Uint8Array(32).fill(${fill}) }`;
const byPassphrase = (text) => `{ passphrase: "${text}", argon2: { memoryKib: 1024, iterations: 1, lanes: 1 } }`;
const secrets = { "a key": [byKey(65), byKey(66)], "a passphrase": [byPassphrase("correct horse"), byPassphrase("battery staple")] };

/** Opens a database in a page; the code of the error, if there is one. */
const open = (page, name, encryption) => page.evaluate(`globalThis.opened("${name}", { encryption: ${encryption} })`);

async function opened(name, encryption) {
  const page = await tab();
  assert.equal(await open(page, name, encryption), undefined);
  return page;
}

const changeKey = (page, encryption) => page.evaluate(`db.changeKey(${encryption}).then(() => "changed", ({ code }) => code)`);
const increment = (page) => page.evaluate(() => db.increment("n").catch(({ code }) => code));

/** Says in a page that it leads, as often as somebody asks, and answers whoever comes. `got` is everything that it was sent. */
const pretend = (page, name, answer) =>
  page.evaluate(([name, answer]) => {
    const file = `${name}.ferrolite`;
    const engine = crypto.randomUUID();
    globalThis.got = [];
    // As an engine that lives.
    navigator.locks.request(`ferrolite/${file}/${engine}`, () => new Promise(() => {}));
    const serve = (port) => {
      port.onmessage = ({ data }) => {
        globalThis.got.push(data);
        const random = crypto.getRandomValues(new Uint8Array(32)).buffer;
        if (data.kind !== "join") return;
        if (answer === "challenge") port.postMessage({ kind: "challenge", nonce: "x", salt: new Uint8Array(16), proof: random });
        if (answer === "refuse") port.postMessage({ kind: "refused", error: { code: "WrongKey", message: "no" } });
        if (answer === "welcome") {
          port.postMessage({ kind: "welcome", facts: { kind: "opfs" }, options: {}, letterTerms: new Uint8Array(56), files: undefined });
        }
      };
      port.postMessage({ kind: "ready" });
    };
    const channel = new BroadcastChannel(`ferrolite/${file}`);
    globalThis.claim = () => channel.postMessage({ kind: "leads", version: 3, engine });
    channel.onmessage = ({ data }) => {
      if (data.kind === "connect" && data.engine === engine) serve(new BroadcastChannel(data.channel));
      else if (data.kind !== "connect") globalThis.claim();
    };
    // Once the real one is there.
    const broker = new SharedWorker("/ferrolite/broker.js", { type: "module", name: "ferrolite" });
    broker.port.onmessage = ({ ports: [port] }) => port && serve(port);
    globalThis.claimAtBroker = () => broker.port.postMessage({ kind: "engine", file, engine });
    globalThis.claim();
  }, [name, answer]);

/** What a page was sent that shows more than a name and a nonce. */
const sentTo = (page) =>
  page.evaluate(() => {
    const text = (data) => JSON.stringify(data, (key, value) => (ArrayBuffer.isView(value) ? new TextDecoder().decode(value) : value));
    return { kinds: [...new Set(globalThis.got.map(({ kind }) => kind))], text: globalThis.got.map(text).join(" ") };
  });

describe("a page that only claims to lead", () => {
  for (const [kind, [secret, next]] of Object.entries(secrets)) {
    for (const answer of ["challenge", "welcome", "silence"]) {
      test(`gets nothing of ${kind}, and keeps nobody from the database: ${answer}`, { timeout: 60_000 }, async () => {
        const name = `phishing-${kind.split(" ").at(-1)}-${answer}`;
        const [leader, follower] = [await opened(name, secret), await opened(name, secret)];
        await follower.evaluate(async () => {
          await db.set("a", 1);
          globalThis.snapshot = await db.snapshot();
        });
        const other = await tab();
        await pretend(other, name, answer);
        const [first, second] = [await tab(), await tab()];
        assert.equal(await open(first, name, secret), undefined);
        await other.evaluate(() => globalThis.claimAtBroker());
        assert.equal(await open(second, name, secret), undefined);
        await other.evaluate(() => globalThis.claim());
        await sleep(1500);
        assert.equal(await changeKey(second, next), "changed");
        for (const page of [leader, follower, first, second]) assert.equal(await page.evaluate(() => db.get("a")), 1);
        assert.equal(await follower.evaluate(() => snapshot.get("a")), 1, "it has stayed with its engine");
        const { kinds, text } = await sentTo(other);
        assert.deepEqual(kinds, ["join"]);
        assert.doesNotMatch(text, /AAAA|BBBB|correct|battery/);
      });
    }
  }

  test("gets no new key for a plain database either", { timeout: 60_000 }, async () => {
    const name = "phishing-plain";
    const page = await tab();
    await pretend(page, name, "welcome");
    const victim = await tab();
    // Nobody leads: it will itself, or follows the page, which answers nothing.
    const opening = victim.evaluate(`globalThis.opened("${name}", {}).then(() => db.changeKey(${byKey(66)})).catch(({ code }) => code)`);
    await Promise.race([opening, sleep(3000)]);
    assert.doesNotMatch((await sentTo(page)).text, /BBBB/);
  });
});

test("a wrong key is told, also while somebody claims to lead", { timeout: 60_000 }, async () => {
  const name = "wrong";
  const leader = await opened(name, byKey(1));
  const page = await tab();
  assert.equal(await open(page, name, byKey(2)), "WrongKey");
  assert.equal(await open(page, name, byPassphrase("x")), "WrongKey");
  assert.equal(await open(page, name, "undefined"), "KeyRequired");
  await pretend(await tab(), name, "refuse");
  assert.equal(await open(page, name, byKey(2)), "WrongKey");
  assert.equal(await open(page, name, byKey(1)), undefined);
  assert.deepEqual([await increment(leader), await increment(page)], [1, 2]);
});

for (const [kind, [secret, next]] of Object.entries(secrets)) {
  test(`a follower changes ${kind}, and all go on with the new one`, { timeout: 60_000 }, async () => {
    const name = `changed-${kind.split(" ").at(-1)}`;
    const pages = [];
    for (let count = 0; count < 3; count++) pages.push(await opened(name, secret));
    const [leader, follower, third] = pages;
    const ordered = `Promise.all([db.set("a", 1), db.changeKey(${next}), db.set("b", 2), db.get("b")]).then(([, , , b]) => b)`;
    assert.equal(await follower.evaluate(ordered), 2);
    const late = await tab();
    assert.deepEqual([await open(late, name, secret), await open(late, name, next)], ["WrongKey", undefined]);
    for (const ending of [leader, follower]) {
      await ending.close();
      assert.equal(await third.evaluate(() => db.get("b")), 2);
      assert.equal(await late.evaluate(() => db.get("b")), 2);
    }
  });

  test(`one that leads changes ${kind} and closes at once`, { timeout: 60_000 }, async () => {
    const name = `changed-and-closed-${kind.split(" ").at(-1)}`;
    const [leader, ...others] = [await opened(name, secret), await opened(name, secret), await opened(name, secret)];
    await leader.evaluate(`Promise.all([db.set("a", 1), db.changeKey(${next}), db.close()]).then(() => undefined)`);
    for (const page of others) assert.equal(await page.evaluate(() => db.get("a")), 1);
  });

  test(`the leader ends while ${kind} is changed`, { timeout: 60_000 }, async () => {
    const name = `changed-and-gone-${kind.split(" ").at(-1)}`;
    const [leader, follower] = [await opened(name, secret), await opened(name, secret)];
    await follower.evaluate(() => db.set("a", 1));
    await leader.workers()[0].evaluate(() => setTimeout(() => {
      for (const endMs = Date.now() + 1000; Date.now() < endMs; );
    }));
    const changing = changeKey(follower, next);
    await sleep(100);
    await leader.close();
    assert.equal(await changing, "changed");
    const late = await tab();
    assert.deepEqual([await open(late, name, secret), await open(late, name, next)], ["WrongKey", undefined]);
    assert.equal(await late.evaluate(() => db.get("a")), 1);
  });
}

test("two change the key at once", { timeout: 60_000 }, async () => {
  const name = "changed-twice";
  const pages = [await opened(name, byKey(1)), await opened(name, byKey(1)), await opened(name, byKey(1))];
  const [leader, second, third] = pages;
  assert.deepEqual(await Promise.all([changeKey(second, byKey(2)), changeKey(third, byKey(3))]), ["changed", "changed"]);
  await leader.close();
  assert.deepEqual([await increment(second), await increment(third)], [1, 2]);
  const late = await tab();
  const codes = [await open(late, name, byKey(2)), await open(late, name, byKey(3))];
  assert.deepEqual(codes.sort(), ["WrongKey", undefined]);
});

test("a dedicated worker proves the key too, and its channel never has it", { timeout: 60_000 }, async () => {
  const name = "by-broadcast";
  await opened(name, byPassphrase("correct horse"));
  const page = await tab();
  const [said, value] = await page.evaluate(async ([name, encryption]) => {
    const said = [];
    const channel = new BroadcastChannel(`ferrolite/${name}.ferrolite`);
    channel.onmessage = ({ data }) => {
      if (data.kind !== "connect") return;
      new BroadcastChannel(data.channel).onmessage = ({ data }) => said.push(data);
    };
    // The page hears of the channel when the two may have begun to talk. The worker's own messages are noted by itself.
    const text = `import { Ferrolite } from "${location.origin}/ferrolite/index.js";
      const sent = [];
      const { postMessage: send } = BroadcastChannel.prototype;
      BroadcastChannel.prototype.postMessage = function (message) {
        sent.push(message);
        send.call(this, message);
      };
      const db = await Ferrolite.open("${name}", { encryption: ${encryption} });
      await db.set("a", 1);
      await db.changeKey({ passphrase: "battery staple", argon2: { memoryKib: 1024, iterations: 1, lanes: 1 } });
      postMessage({ value: await db.get("a"), sent });`;
    const worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })), { type: "module" });
    const { value, sent } = await new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
    const shown = (data) => JSON.stringify(data, (key, value) => (ArrayBuffer.isView(value) ? new TextDecoder().decode(value) : value));
    return [[...said, ...sent].map(shown).join(" "), value];
  }, [name, byPassphrase("correct horse")]);
  assert.equal(value, 1);
  assert.match(said, /"kind":"join"/);
  assert.match(said, /"kind":"changeKey"/);
  assert.doesNotMatch(said, /correct horse|battery staple/);
});
