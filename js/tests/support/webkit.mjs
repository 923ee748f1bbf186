// Starts WebKitGTK's MiniBrowser under Xvfb and drives it by WebDriver: the engine closest to Safari that Debian has. Its pages
// have the methods of playwright's pages that the tests call.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const browsers = ["4.1", "4.0"].map((version) => `/usr/lib/x86_64-linux-gnu/webkit2gtk-${version}/MiniBrowser`);
/** A page that does not answer within this time hangs. */
const SCRIPT_MS_MAX = 60_000;
const START_MS_MAX = 30_000;

process.once("SIGTERM", () => process.exit(1));

/**
 * Starts the browser. Resolves with `{ context, close }`; `context` has `newPage`, `pages` and `processes`, the ids of the processes
 * that run pages. Stored data lasts as long as the browser runs.
 */
export async function startWebKit() {
  const binary = process.env.WEBKIT ?? browsers.find((path) => existsSync(path));
  if (binary === undefined) throw new Error("WebKitGTK is not installed; tools/setup.sh browser installs it");
  const children = [];
  const start = (command, args, options) => {
    const child = spawn(command, args, { detached: true, ...options });
    children.push(child);
    return child;
  };
  const end = () => {
    for (const { pid } of children.splice(0).reverse()) {
      try {
        process.kill(-pid, "SIGKILL");
      } catch {
        // The process has ended.
      }
    }
  };
  process.once("exit", end);
  try {
    const display = await startDisplay(start);
    const port = await startDriver(start, display);
    const session = await Session.begin(`http://127.0.0.1:${port}`, binary);
    const close = async () => {
      process.off("exit", end);
      await session.end().catch(() => {});
      end();
    };
    const context = { newPage: () => session.newPage(), pages: () => session.pages, processes: () => webProcesses(display) };
    return { context, close };
  } catch (error) {
    end();
    throw error;
  }
}

/** Starts Xvfb on a free display; the display's number. */
async function startDisplay(start) {
  const xvfb = start("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const [line] = await once(createInterface(xvfb.stdio[3]), "line", { signal: AbortSignal.timeout(START_MS_MAX) });
  return `:${line.trim()}`;
}

/** Starts the WebDriver server on a free port; the port. */
async function startDriver(start, display) {
  const { createServer } = await import("node:net");
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  const env = {
    ...process.env, DISPLAY: display, GDK_BACKEND: "x11", NO_AT_BRIDGE: "1",
    WEBKIT_DISABLE_COMPOSITING_MODE: "1", WEBKIT_DISABLE_DMABUF_RENDERER: "1",
  };
  start("WebKitWebDriver", [`--port=${port}`, "--host=127.0.0.1"], { env, stdio: "ignore" });
  const endMs = Date.now() + START_MS_MAX;
  for (;;) {
    try {
      await fetch(`http://127.0.0.1:${port}/status`);
      return port;
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The ids of the processes that run pages on a display. */
function webProcesses(display) {
  return readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name)).filter((pid) => {
    try {
      return (
        readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("WebKitWebProcess") &&
        readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`DISPLAY=${display}`)
      );
    } catch {
      return false;
    }
  }).map(Number);
}

/** A WebDriver session. Commands go to one window at a time, so each waits for the one before it. */
class Session {
  #url;
  #last = Promise.resolve();
  /** The browser's first window. It stays open, so that there is always a window to make others from. */
  #first;
  /** The window that commands go to. */
  #current;
  pages = [];

  constructor(url, window) {
    this.#url = url;
    this.#current = window;
    this.#first = window;
  }

  static async begin(driver, binary) {
    const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": { binary, args: ["--automation"] } } };
    const { sessionId } = await command("POST", `${driver}/session`, { capabilities });
    const url = `${driver}/session/${sessionId}`;
    await command("POST", `${url}/timeouts`, { script: SCRIPT_MS_MAX });
    return new Session(url, await command("GET", `${url}/window`));
  }

  end() {
    return this.#turn(() => command("DELETE", this.#url));
  }

  async newPage() {
    const { handle } = await this.send(this.#first, "POST", "window/new", { type: "window" });
    const page = new Page(this, handle);
    this.pages = [...this.pages, page];
    return page;
  }

  /** Sends a command to a window. */
  send(window, method, path, body) {
    return this.#turn(async () => {
      if (this.#current !== window) await command("POST", `${this.#url}/window`, { handle: window });
      this.#current = window;
      return command(method, `${this.#url}/${path}`, body);
    });
  }

  /** Closes the window of a page. */
  async close(page, window) {
    this.pages = this.pages.filter((other) => other !== page);
    await this.send(window, "DELETE", "window");
    this.#current = undefined;
  }

  #turn(work) {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

class Page {
  #session;
  #window;

  constructor(session, window) {
    this.#session = session;
    this.#window = window;
  }

  async goto(url) {
    await this.#session.send(this.#window, "POST", "url", { url });
  }

  async reload() {
    await this.#session.send(this.#window, "POST", "refresh", {});
  }

  async goBack() {
    await this.#session.send(this.#window, "POST", "back", {});
  }

  /** Runs a function, or the text of an expression, in the page. The argument and the result cross as JSON. */
  async evaluate(work, argument) {
    const call = typeof work === "function" ? `(${work})(${JSON.stringify(argument)})` : work;
    const script = `
      const done = arguments[arguments.length - 1];
      (async () => ({ json: JSON.stringify(await (${call})) }))()
        .then(done, (error) => done({ error: String(error) + "\\n" + (error?.stack ?? "") }));`;
    const { json, error } = await this.#session.send(this.#window, "POST", "execute/async", { script, args: [] });
    if (error != null) throw new Error(error);
    return json == null ? undefined : JSON.parse(json);
  }

  /** Waits until an expression holds. */
  async waitForFunction(expression) {
    const endMs = Date.now() + SCRIPT_MS_MAX;
    while (!(await this.evaluate(`Boolean(${expression})`))) {
      if (Date.now() > endMs) throw new Error(`the page does not come to ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async close() {
    await this.#session.close(this, this.#window);
  }
}

async function command(method, url, body) {
  const response = await fetch(url, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`WebDriver: ${value?.error}: ${value?.message}`);
  return value;
}
