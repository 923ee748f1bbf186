// All cases that hold on every host.
import bytes from "./bytes.mjs";
import collections from "./collections.mjs";
import documents from "./documents.mjs";
import encryption from "./encryption.mjs";
import indexes from "./indexes.mjs";
import input from "./input.mjs";
import lifetime from "./lifetime.mjs";
import lists from "./lists.mjs";
import receivers from "./receivers.mjs";
import salvage from "./salvage.mjs";
import signals from "./signals.mjs";
import stream from "./stream.mjs";
import table from "./table.mjs";
import timers from "./timers.mjs";
import transactions from "./transactions.mjs";
import transfer from "./transfer.mjs";
import undefinedValues from "./undefined-values.mjs";
import updates from "./updates.mjs";
import watches from "./watches.mjs";

export const groups = {
  bytes, collections, documents, encryption, indexes, input, lifetime, lists, receivers, salvage, signals, stream, table, timers, transactions, transfer,
  undefinedValues, updates, watches,
};
