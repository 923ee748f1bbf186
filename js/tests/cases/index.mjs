// All cases that hold on every host.
import collections from "./collections.mjs";
import documents from "./documents.mjs";
import encryption from "./encryption.mjs";
import indexes from "./indexes.mjs";
import input from "./input.mjs";
import lifetime from "./lifetime.mjs";
import salvage from "./salvage.mjs";
import stream from "./stream.mjs";
import table from "./table.mjs";
import transactions from "./transactions.mjs";
import transfer from "./transfer.mjs";
import updates from "./updates.mjs";

export const groups = {
  collections, documents, encryption, indexes, input, lifetime, salvage, stream, table, transactions, transfer,
  updates,
};
