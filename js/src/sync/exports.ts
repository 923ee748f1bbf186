/** What `ferrolite/sync` exports besides the class that opens, on every host. */
export type { ByteSource } from "./types.js";
export type { SyncCollection } from "./generated/collection.js";
export type { SyncDatabase } from "./generated/database.js";
export type { SyncSnapshot } from "./generated/snapshot.js";
export type { SyncTransaction } from "./generated/active-transaction.js";
export { type Defined, defined } from "../api/defined.js";
export { type ErrorCode, FerroliteError } from "../error.js";
export { Transaction } from "../api/transaction.js";
