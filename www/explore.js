// Indexes, questions and single documents.
import { paths, presets } from "./data-set.js";
import { documentStore } from "./ferrolite/stores.js";
import { duration } from "./journal.js";

const SHOWN_MAX = 200;
const $ = (id) => document.getElementById(id);

export class Explorer {
  #page;
  #building = new Set();
  #found = [];
  #shown = 0;
  /** Ends following the document that is shown; which one, of which database; and what it was when it was last shown. */
  #stop = () => {};
  #followed = {};
  #known;

  constructor(page) {
    this.#page = page;
    page.showDocument = async (key) => {
      await page.act(() => this.#get(key));
      $("document-key").scrollIntoView({ block: "center", behavior: "smooth" });
      $("document-key").focus({ preventScroll: true });
    };
    $("index-form").onsubmit = (event) => this.#submit(event, () => this.#createIndex($("index-path").value.trim()));
    $("find-form").onsubmit = (event) => this.#submit(event, () => this.#find());
    $("document-form").onsubmit = (event) => this.#submit(event, () => this.#set());
    $("document-get").onclick = () => page.act(() => this.#get($("document-key").value));
    $("document-delete").onclick = () => page.act(() => this.#delete());
    $("find-operator").onchange = () => this.#shape();
    $("more").onclick = () => this.#showMore();
    $("paths").replaceChildren(...paths.map((value) => Object.assign(document.createElement("option"), { value })));
    $("presets").replaceChildren(...presets.map((preset) => button(preset.text, () => this.#ask(preset))));
  }

  /** Shows the indexes as they are. */
  async renew() {
    const indexes = (await this.#page.db?.indexes()) ?? [];
    const ready = indexes.filter(({ path }) => !this.#building.has(path));
    const chips = ready.map(({ path }) => {
      const chip = Object.assign(document.createElement("li"), { textContent: path });
      const drop = button("×", () => this.#page.act(() => this.#dropIndex(path)));
      drop.setAttribute("aria-label", `drop the index on ${path}`);
      chip.append(drop);
      return chip;
    });
    for (const path of this.#building) {
      chips.push(Object.assign(document.createElement("li"), { textContent: `${path} …`, className: "building" }));
    }
    $("indexes").replaceChildren(...chips);
  }

  /** Forgets what was found. */
  clear() {
    this.follow(undefined);
    this.#showFound([]);
    for (const id of ["find-result", "load-result", "document-result"]) $(id).textContent = "";
    $("document-text").value = "";
  }

  #submit(event, work) {
    event.preventDefault();
    this.#page.act(work);
  }

  async #createIndex(path) {
    const { db, journal } = this.#page;
    this.#building.add(path);
    await this.renew();
    try {
      await journal.time(
        `db.createIndex("${path}")`,
        () => db.createIndex(path),
        (isNew) => (isNew ? "built" : "was there already"),
      );
      $("index-path").value = "";
    } finally {
      this.#building.delete(path);
    }
  }

  async #dropIndex(path) {
    const { db, journal } = this.#page;
    await journal.time(`db.dropIndex("${path}")`, () => db.dropIndex(path));
  }

  #ask({ path, operator, value, value2 = "", reverse = false }) {
    $("find-path").value = path;
    $("find-operator").value = operator;
    $("find-value").value = value;
    $("find-value2").value = value2;
    $("find-reverse").checked = reverse;
    this.#shape();
    this.#page.act(() => this.#find());
  }

  #shape() {
    $("find-value2").hidden = $("find-operator").value !== "between";
  }

  async #find() {
    const { db, journal } = this.#page;
    const path = $("find-path").value.trim();
    const reverse = $("find-reverse").checked;
    const operator = $("find-operator").value;
    const counted = (keys) => `${keys.length.toLocaleString("en")} keys`;
    let timed;
    if (path === "" || operator === "prefix") {
      const range = { ...(operator === "prefix" ? { prefix: $("find-value").value } : {}), reverse };
      timed = await journal.time(`db.keys(${JSON.stringify(range)})`, () => db.keys(range), counted);
    } else {
      const condition = this.#condition(operator);
      const text = `db.find("${path}", ${JSON.stringify(condition)}${reverse ? ", { reverse: true }" : ""})`;
      timed = await journal.time(text, () => db.find(path, condition, { reverse }), counted);
    }
    const { result, milliseconds } = timed;
    this.#showFound(result);
    $("find-result").innerHTML = `<b>${result.length.toLocaleString("en")}</b> keys in <b>${duration(milliseconds)}</b>`;
  }

  #condition(operator) {
    const value = literal($("find-value").value);
    if (operator === "equals") return value;
    if (operator === "between") return { gte: value, lt: literal($("find-value2").value) };
    return { [operator]: value };
  }

  #showFound(keys) {
    this.#found = keys;
    this.#shown = 0;
    $("keys").replaceChildren();
    this.#showMore();
  }

  #showMore() {
    const next = this.#found.slice(this.#shown, this.#shown + SHOWN_MAX);
    this.#shown += next.length;
    for (const key of next) {
      const item = document.createElement("li");
      const open = button(key, () => {
        for (const current of document.querySelectorAll("[aria-current]")) current.removeAttribute("aria-current");
        open.setAttribute("aria-current", "true");
        this.#page.act(() => this.#get(key));
      });
      item.append(open);
      $("keys").append(item);
    }
    $("more").hidden = this.#shown >= this.#found.length;
  }

  async #get(key) {
    const { db, journal } = this.#page;
    const before = $("document-text").value;
    const { result, milliseconds } = await journal.time(
      `db.get(${JSON.stringify(key)})`,
      () => db.get(key),
      (found) => (found === undefined ? "undefined" : ""),
    );
    $("document-key").value = key;
    this.#showText(before, inText(result));
    this.follow(key);
    $("document-result").innerHTML =
      result === undefined ? "There is no such document." : `Read in <b>${duration(milliseconds)}</b>`;
  }

  async #set() {
    const { db, journal } = this.#page;
    const key = $("document-key").value;
    const before = $("document-text").value;
    let value;
    try {
      value = JSON.parse(before);
    } catch (error) {
      throw Object.assign(new Error(`the document is not JSON: ${error.message}`), { code: "InvalidValue" });
    }
    const { result, milliseconds } = await journal.time(
      `db.set(${JSON.stringify(key)}, …)`,
      () => db.set(key, value),
      (version) => `version ${version}`,
    );
    this.#showText(before, inText(value));
    this.follow(key);
    $("document-result").innerHTML = `Committed and flushed as version <b>${result}</b> in <b>${duration(milliseconds)}</b>`;
  }

  async #delete() {
    const { db, journal } = this.#page;
    const key = $("document-key").value;
    const before = $("document-text").value;
    await journal.time(
      `db.delete(${JSON.stringify(key)})`,
      () => db.delete(key),
      (was) => (was ? "deleted" : "there was none"),
    );
    this.#showText(before, "");
    $("document-result").textContent = "Deleted.";
  }

  /** Shows the text of the document. If the field no longer has the text `before` the call, that was typed meanwhile and stays. */
  #showText(before, text) {
    this.#known = text;
    if ($("document-text").value === before) $("document-text").value = text;
  }

  /** From now on the document at `key` is shown as it changes, whoever changes it. */
  follow(key) {
    const { db } = this.#page;
    if (key === this.#followed.key && db === this.#followed.db) return;
    this.#stop();
    this.#followed = { db, key };
    this.#stop = () => {};
    if (key === undefined || db === undefined) return;
    this.#stop = documentStore(db, key).subscribe(({ status, value, error }) => {
      if (status === "ready") this.#changed(inText(value));
      else if (status === "failed" && this.#page.db === db) this.#page.tell(error);
    });
  }

  #changed(text) {
    if (text === this.#known) return;
    const field = $("document-text");
    if (field.value === this.#known) {
      field.value = this.#known = text;
      $("document-result").textContent =
        text === "" ? "It was deleted, in another tab or with others." : "It was changed in another tab.";
    } else {
      $("document-result").textContent = "It was changed in another tab. Get shows how; Set writes over it.";
    }
  }
}

/** A document as it is shown: nothing when there is none. */
function inText(value) {
  return value === undefined ? "" : JSON.stringify(value, undefined, 2);
}

/** What was typed, as JSON; what is no JSON is a string. */
function literal(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function button(text, onclick) {
  return Object.assign(document.createElement("button"), { type: "button", textContent: text, onclick });
}
