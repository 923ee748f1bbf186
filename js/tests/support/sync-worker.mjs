// A dedicated worker in which FerroliteSync plays the cases it is told.
import * as ferrolite from "/ferrolite/index.js";
import * as sync from "/ferrolite/sync.js";

import { syncGroups } from "../cases/sync.mjs";
import { promised } from "./promised.mjs";
import { rewrite } from "./rewrite.mjs";
import { runCase } from "./run-case.mjs";

const Ferrolite = promised(sync, ferrolite.Ferrolite);
const shared = { ...ferrolite, ...sync, Ferrolite, isSync: true, rewrite, list: () => Ferrolite.list() };
const hosts = {
  opfs: { ...shared, persistent: true, options: {} },
  memory: { ...shared, persistent: false, options: { storage: "memory" } },
};

globalThis.onmessage = async ({ data: [kind, group, index] }) => {
  try {
    await runCase(syncGroups[group][index], hosts[kind]);
    postMessage(undefined);
  } catch (error) {
    postMessage(String(error.stack ?? error));
  }
};
postMessage("ready");
