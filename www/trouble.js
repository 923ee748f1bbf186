// Failures, told so that one knows what has become of the data and what to do.

/** By the code of the error: what it means, what to do, and buttons for that. */
const CASES = {
  StorageFull: {
    title: "There is no more room",
    help: "What you just did was not saved; everything before it was. Delete documents, here or other data of this site, and compact; or export a copy first.",
    actions: ["Export to a file", "Compact", "Try again"],
  },
  Evicted: {
    title: "The browser has cleared the data of this site",
    help: "The database that was here is gone. Bring it back from a file that you have exported, or begin again. Asking the browser to keep the data, below, makes this less likely.",
    actions: ["Import a file…", "Begin with an empty database"],
  },
  Locked: {
    title: "Something else is using the database",
    help: "To open it this page shares it with other tabs; to delete it, or to import one in its place, all other tabs have to be closed. Nothing is lost.",
    actions: ["Try again"],
  },
  Unsupported: {
    title: "The database cannot be used like this here",
    help: "Open the page by https or on localhost, in a current browser, and not in a private window. After an update, reload all tabs. In memory everything works, and is gone when the page is closed.",
    actions: ["Reload the page", "Go on in memory alone"],
  },
  NotADatabase: {
    title: "That is no database",
    help: "The file is not one that this page or another program with Ferrolite has made. Nothing was changed.",
    actions: ["Import a file…"],
  },
  NewerFormat: {
    title: "A newer version has made this database",
    help: "Reload the page to get the newer version. Nothing was changed.",
    actions: ["Reload the page"],
  },
  Corrupt: {
    title: "The database is damaged",
    help: "What is damaged is never shown as if it were whole. Import a copy, or recover what can be read with Ferrolite.salvage.",
    actions: ["Import a file…"],
  },
  Failed: {
    title: "The database has closed itself to writes",
    help: "The browser failed to store something. What was saved before is safe: open the database again.",
    actions: ["Try again"],
  },
  Io: {
    title: "The browser could not do it",
    help: "What was saved before is safe. Try again; when the network is gone, reload the page first.",
    actions: ["Try again"],
  },
};
const OTHER = { title: "That did not work", help: "Nothing of it was saved.", actions: [] };
const $ = (id) => document.getElementById(id);

export class Trouble {
  #buttons;

  /** `buttons` are what the actions above do, by their names. */
  constructor(buttons) {
    this.#buttons = buttons;
    $("trouble-close").onclick = () => this.clear();
  }

  tell(error) {
    console.warn(error);
    const { title, help, actions } = CASES[error.code] ?? OTHER;
    $("trouble-title").textContent = title;
    $("trouble-help").textContent = help;
    $("trouble-code").textContent = error.code ?? error.name;
    $("trouble-text").textContent = error.message;
    const buttons = actions.map((textContent) =>
      Object.assign(document.createElement("button"), { type: "button", textContent, onclick: this.#buttons[textContent] }),
    );
    $("trouble-actions").replaceChildren(...buttons);
    $("trouble").hidden = false;
    $("trouble").scrollIntoView({ block: "nearest" });
  }

  clear() {
    $("trouble").hidden = true;
  }
}
