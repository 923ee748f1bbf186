// Notes, in a collection of their own. The list is what a store says: whoever changes a note, here or in another tab, it is
// drawn from the same news.
import { queryStore } from "./ferrolite/stores.js";

const COLLECTION = "notes";
const FILTERS = { all: () => true, open: ({ done }) => !done, done: ({ done }) => done };
const $ = (id) => document.getElementById(id);

export class Notes {
  #page;
  #notes;
  #stop = () => {};
  #rows = [];
  #items = new Map();
  #filter = "all";
  #about;

  constructor(page) {
    this.#page = page;
    $("note-form").onsubmit = (event) => {
      event.preventDefault();
      const text = $("note-text").value.trim();
      if (text === "") return;
      // The field is free for the next note at once: what is typed during the save is not cleared by its end.
      const about = this.#about;
      $("note-text").value = "";
      this.#setAbout(undefined);
      page.act(() => this.#add(text, about).catch((error) => this.#giveBack(text, about, error)));
    };
    this.follow(undefined);
    $("note-about").querySelector("button").onclick = () => this.#setAbout(undefined);
    $("document-note").onclick = () => {
      this.#setAbout($("document-key").value.trim() || undefined);
      $("note-text").focus();
    };
    for (const filter of Object.keys(FILTERS)) {
      $(`notes-${filter}`).onclick = () => {
        this.#filter = filter;
        for (const other of Object.keys(FILTERS)) $(`notes-${other}`).setAttribute("aria-pressed", String(other === filter));
        this.#draw();
      };
    }
  }

  /** Shows the notes of a database, as they change. */
  follow(db) {
    this.#stop();
    this.#stop = () => {};
    this.#notes = db?.collection(COLLECTION);
    this.#show([]);
    if (db === undefined) return;
    // The keys begin with the time, so this is the newest first.
    this.#stop = queryStore(this.#notes, { reverse: true }).subscribe(({ status, value, error }) => {
      if (status === "ready") this.#show(value);
      else if (status === "failed" && this.#page.db === db) this.#page.tell(error);
    });
  }

  async #add(text, about) {
    const random = Math.random().toString(36).slice(2, 8);
    const key = `${new Date().toISOString()}-${random}`;
    const note = { text, done: false, ...(about === undefined ? {} : { about }) };
    await this.#page.journal.time(
      `notes.set("${key}", …)`,
      () => this.#notes.set(key, note),
      (version) => `version ${version}`,
    );
  }

  /** Returns a note that was not saved to its field, before what was typed since. */
  #giveBack(text, about, error) {
    const field = $("note-text");
    field.value = [text, field.value].filter((part) => part !== "").join(" ");
    if (this.#about === undefined) this.#setAbout(about);
    throw error;
  }

  /** Changes these fields and no others: another tab may be changing those. */
  #change(key, fields) {
    return this.#page.act(() =>
      this.#page.journal.time(
        `notes.mergePatch("${key}", ${JSON.stringify(fields)})`,
        () => this.#notes.mergePatch(key, fields),
        (was) => (was ? "" : "it was deleted meanwhile"),
      ),
    );
  }

  async #delete(key) {
    const next = this.#items.get(key)?.nextElementSibling ?? this.#items.get(key)?.previousElementSibling;
    // The keyboard stays in the list.
    (next?.querySelector(".delete") ?? $("note-text")).focus();
    await this.#page.act(() => this.#page.journal.time(`notes.delete("${key}")`, () => this.#notes.delete(key), String));
  }

  #setAbout(key) {
    this.#about = key;
    $("note-about").hidden = key === undefined;
    $("note-about").querySelector("code").textContent = key ?? "";
  }

  #show(rows) {
    this.#rows = rows;
    this.#draw();
  }

  #draw() {
    const shown = this.#rows.filter(({ value }) => FILTERS[this.#filter](value));
    const keys = new Set(shown.map(({ key }) => key));
    for (const [key, item] of this.#items) {
      if (keys.has(key)) continue;
      item.remove();
      this.#items.delete(key);
    }
    const list = $("notes");
    shown.forEach(({ key, value }, n) => {
      let item = this.#items.get(key);
      if (item === undefined) this.#items.set(key, (item = this.#make(key)));
      fill(item, value);
      // An item that is moved would lose the focus.
      if (list.children[n] !== item) list.insertBefore(item, list.children[n] ?? null);
    });
    const open = this.#rows.filter(({ value }) => !value.done).length;
    $("notes-count").textContent = this.#rows.length === 0 ? "" : `${open} open, ${this.#rows.length - open} done`;
    $("notes-empty").hidden = shown.length > 0;
    $("notes-empty").textContent =
      this.#notes === undefined ? "The database is not open." : this.#rows.length === 0 ? "No notes yet." : "None of this kind.";
  }

  #make(key) {
    const item = document.createElement("li");
    item.innerHTML =
      '<input type="checkbox"><div><textarea rows="1"></textarea><button class="about"></button></div><button class="delete plain">×</button>';
    const [done, text, about, remove] = item.querySelectorAll("input, textarea, button");
    done.onchange = () => this.#change(key, { done: done.checked });
    text.onchange = () => {
      const changed = text.value.trim();
      if (changed === "") text.value = item.text;
      else this.#change(key, { text: changed });
    };
    text.onkeydown = (event) => {
      if (event.key === "Escape") text.value = item.text;
      if (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey)) {
        event.preventDefault();
        text.blur();
      }
    };
    about.onclick = () => this.#page.showDocument(item.about);
    remove.onclick = () => this.#delete(key);
    return item;
  }
}

function fill(item, { text, done, about }) {
  const [box, field, link, remove] = item.querySelectorAll("input, textarea, button");
  item.classList.toggle("done", done);
  box.checked = done;
  box.setAttribute("aria-label", `done: ${text}`);
  field.setAttribute("aria-label", "text of the note");
  // What is being typed stays; it is compared with what it began as.
  if (document.activeElement !== field || field.value === item.text) field.value = text;
  item.text = text;
  item.about = about;
  link.hidden = about === undefined;
  link.textContent = about ?? "";
  link.setAttribute("aria-label", `show the document ${about}`);
  remove.setAttribute("aria-label", `delete: ${text}`);
}
