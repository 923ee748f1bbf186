// The demo by the WASI program under wasmtime.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { INDEXES, QUERIES } from "./queries.mjs";

/** A key that no data set has; the answer to it ends the one before. */
const END = "\u0001end";

/** The program `module` with `directory` as its only folder. */
export class WasiProgram {
  constructor(module, directory) {
    this.module = module;
    this.directory = directory;
  }

  arguments(...rest) {
    return ["run", "--dir", ".", this.module, ...rest];
  }

  /** Runs the program to its end; gives what it printed. */
  run(...rest) {
    const options = { cwd: this.directory, encoding: "utf8", maxBuffer: 1 << 30, stdio: ["ignore", "pipe", "inherit"] };
    return execFileSync("wasmtime", this.arguments(...rest), options);
  }

  /** Starts a REPL to ask questions. */
  repl(file) {
    return new Repl(
      spawn("wasmtime", this.arguments("repl", file, "--read-only", "--json"), {
        cwd: this.directory,
        stdio: ["pipe", "pipe", "inherit"],
      }),
    );
  }

  /** Loads the file `data` into a new database `file`, indexes it and asks the questions. Gives milliseconds and answers. */
  async runDemo(file, data) {
    rmSync(`${this.directory}/${file}`, { force: true });
    // wasmtime compiles the program when it meets it first, and remembers that.
    this.run("--version");
    const times = {};
    const timed = (step, work) => {
      const start = performance.now();
      work();
      times[step] = performance.now() - start;
    };
    timed("load", () => this.run("load", file, data));
    for (const path of INDEXES) timed(`index ${path}`, () => this.run("index", file, "create", path));
    const asked = await this.runQueries(file);
    return { times: { ...times, ...asked.times }, answers: asked.answers };
  }

  /** Opens a database that is there, and asks. */
  async runQueries(file) {
    const times = {};
    const answers = [];
    let start = performance.now();
    const repl = this.repl(file);
    await repl.ask("COUNT --limit 0");
    times.open = performance.now() - start;
    for (const query of QUERIES) {
      start = performance.now();
      answers.push(await ask(repl, query));
      times[query.text] = performance.now() - start;
    }
    await repl.end();
    return { times, answers };
  }
}

/** A conversation with the program. */
class Repl {
  constructor(child) {
    this.child = child;
    this.lines = createInterface({ input: child.stdout, crlfDelay: Infinity })[Symbol.asyncIterator]();
  }

  /** Sends a line; gives the lines of the answer. */
  async ask(line) {
    const end = JSON.stringify(END);
    this.child.stdin.write(`${line}\nGET ${end}\n`);
    const answer = [];
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`the program ended at: ${line}`);
      if (value === `{"key":${end}}`) return answer;
      answer.push(value);
    }
  }

  /** Ends the program. */
  end() {
    const ended = new Promise((resolve) => this.child.once("close", resolve));
    this.child.stdin.end();
    return ended;
  }
}

async function ask(repl, query) {
  switch (query.verb) {
    case "count":
      return JSON.parse((await repl.ask(`COUNT ${options(query.range)}`))[0]).count;
    case "get":
      return documentOf((await repl.ask(`GET ${JSON.stringify(query.key)}`))[0]) ?? null;
    case "keys":
      return (await repl.ask(`KEYS ${options(query.range)}`)).map((line) => JSON.parse(line));
    case "find": {
      const { condition } = query;
      const wanted = condition !== null && typeof condition === "object" ? options(condition) : JSON.stringify(condition);
      const lines = await repl.ask(`FIND ${JSON.stringify(query.path)} ${wanted} ${options(query.options ?? {})}`);
      return lines.map((line) => JSON.parse(line));
    }
    case "getMany": {
      const keys = await repl.ask(`KEYS ${options({ gte: query.from, limit: query.count })}`);
      const lines = await repl.ask(`GET ${keys.join(" ")}`);
      return digest(lines.map((line) => documentOf(line)));
    }
    case "digest": {
      const lines = await repl.ask(`SCAN ${options(query.range)}`);
      return digest(lines.map((line) => `${JSON.parse(line).key}\t${documentOf(line)}`));
    }
    default:
      throw new Error(`no such verb: ${query.verb}`);
  }
}

/** Options as words of the REPL; `true` stands for a flag. */
function options(fields) {
  const words = ([name, value]) => (value === true ? `--${name}` : `--${name} ${JSON.stringify(value)}`);
  return Object.entries(fields).map(words).join(" ");
}

/** The text of the document in a line as {"key":…,"value":…,"version":…}; nothing when there is none. */
function documentOf(line) {
  const start = line.indexOf(',"value":');
  if (start < 0) return undefined;
  return line.slice(start + ',"value":'.length, line.lastIndexOf(',"version":'));
}

function digest(lines) {
  const hash = createHash("sha256");
  for (const line of lines) hash.update(`${line}\n`);
  return hash.digest("hex").slice(0, 16);
}
