/** What a client reports when sharing a database has failed. */
import { type ErrorReport, FerroliteError } from "../error.js";
import { PROTOCOL } from "./messages.js";

/** The next engine has found an older file than this client has seen. */
export function lostCommits(): FerroliteError {
  const message =
    "the tab that had the database open ended before the browser had stored the last commits, which durability " +
    '"periodic" and "never" do not wait for; open the database again, and look what is there';
  return new FerroliteError("Failed", message);
}

/** A call was left unanswered for longer than receipts are kept. */
export function tooLate(): ErrorReport {
  const message =
    "this page was asleep for too long to know whether the call was carried out; look, and repeat it if need be";
  return { code: "Aborted", message };
}

/** No client can start an engine. */
export function nobodyLeads(): FerroliteError {
  const message =
    "this worker cannot start the database's worker, and nobody else has it open; open it in a page, too";
  return new FerroliteError("Unsupported", message);
}

/** An engine of another version leads. */
export function otherVersion(version: number): FerroliteError {
  const message =
    "another tab has this database open with another version of Ferrolite " +
    `(it speaks version ${version} of the protocol, here it is ${PROTOCOL}); reload all tabs, or close the others`;
  return new FerroliteError("Unsupported", message);
}
