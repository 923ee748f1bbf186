/**
 * The steps of a client when another engine leads, or when its own engine ends. The script loads after a client has opened its
 * database, or when a client that opens it finds somebody who leads.
 */
import { copyOf, wipe } from "../arguments/encryption.js";
import { FerroliteError } from "../error.js";
import { setTimeout } from "../protocol/timers.js";
import { makeBroker } from "./broker-script.js";
import { startBroker } from "./connect.js";
import { lostCommits, nobodyLeads, otherVersion } from "./failures.js";
import { Keeper } from "./keeper.js";
import { type Hold, lifeOf, nameOf, take } from "./locks.js";
import { type Member, OTHER_MS } from "./member.js";
import { type Notice, type Port, type Welcome } from "./messages.js";
import { isVisible } from "./page.js";
import { watchPageOf } from "./sleep.js";

/** How long the client that was asked to take over may take for it. */
const TAKING_OVER_MS = 2000;

/** A port to the broker, where there are shared workers. */
export function brokerPort(): MessagePort | undefined {
  return startBroker(makeBroker)?.port;
}

/** Hands over the letters that wait, keeps the engine's files, and watches the page. */
export async function keep(member: Member, port: Port, { letterTerms, files }: Welcome): Promise<void> {
  // Workers have no letters, and nothing else to keep.
  if (port !== member.port || typeof document === "undefined") return void letterTerms.fill(0);
  watchPageOf(member);
  // The page may have been hidden or shown since the client has joined.
  port.postMessage({ kind: "visible", isVisible: isVisible() }, []);
  member.keeper ??= new Keeper(member.file, member.id, !member.readOnly);
  member.keeper.welcomed(port, letterTerms, files);
}

/** Takes the lead: the one who leads has closed the file for this client. */
export function takeOver(member: Member): void {
  member.leave();
  member.queue?.abort();
  member.queue = undefined;
  const granted = (hold: Hold | undefined) => {
    if (hold === undefined) return;
    if (member.isOver || member.isAsleep) return void hold.release().then(() => member.seek());
    return member.leadBy(hold);
  };
  take(nameOf(member.file), { steal: true }, member.lost).then(granted, () => member.seek());
}

/** Takes what the own engine tells about its end. */
export function noticed(member: Member, notice: Notice): void {
  member.stop();
  if (notice.kind === "stopped") {
    const error = FerroliteError.from(notice.error, "Internal");
    // After a call of another client, the others go on with another engine.
    return notice.isOwn ? member.fail(error) : member.release();
  }
  member.hello();
  // The client that is to have the lock takes it away, unless it is gone, too.
  const { hold } = member;
  setTimeout(() => hold === member.hold && member.release(), TAKING_OVER_MS);
}

/** Replaces the own engine if it has ended. An `error` event of its worker does not say so; its lock does. */
export function lookAfter(member: Member, worker: Worker, engine: string): void {
  const ended = (hold: Hold | undefined) => {
    void hold?.release();
    if (worker !== member.worker) return;
    member.stop();
    member.release();
  };
  take(lifeOf(member.file, engine)).then(ended, () => {});
}

/** Opens the file again by the key of a change that was under way: it may have been made. Otherwise fails with `error`. */
export function tryChangedKey(member: Member, worker: Worker, error: FerroliteError): void {
  if (worker !== member.worker) return;
  const change = member.outbox.requests.findLast((request) => request.kind === "changeKey");
  if (change === undefined || change === member.triedChange) return member.fail(error);
  member.triedChange = change;
  wipe(member.encryption);
  member.encryption = copyOf(change.encryption);
  worker.terminate();
  void member.leadBy(member.hold as Hold);
}

/** Fails after a while if an engine of another version leads. Anybody may announce that; the locks say whether it is so. */
export function heardOther(member: Member, version: number): void {
  member.other ??= setTimeout(() => void believe(member, version), OTHER_MS);
}

async function believe(member: Member, version: number): Promise<void> {
  const { held = [] } = await navigator.locks.query();
  member.other = undefined;
  const isHeld = (lock: string) => held.some(({ name }) => name === lock);
  const isServed = member.candidate !== undefined || (member.engine !== undefined && isHeld(lifeOf(member.file, member.engine)));
  if (isServed || member.hold !== undefined || member.isAsleep || member.isOver) return;
  if (isHeld(nameOf(member.file))) failUnlessServed(member, otherVersion(version));
}

/** Fails: the next engine has found an older file than this client has seen. */
export function failLost(member: Member): void {
  failUnlessServed(member, lostCommits());
}

/** Fails: no client can start an engine. */
export function failAlone(member: Member): void {
  failUnlessServed(member, nobodyLeads());
}

function failUnlessServed(member: Member, error: FerroliteError): void {
  if (member.port === undefined) member.fail(error);
}
