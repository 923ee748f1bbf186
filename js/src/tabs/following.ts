/** How a client comes to the engine that leads. Anybody of the origin can claim to lead. */
import { copyOf, type KeyMaterial, wipe } from "../arguments/encryption.js";
import { FerroliteError } from "../error.js";
import { setTimeout } from "../protocol/timers.js";
import { makeBroker } from "./broker-script.js";
import { connect } from "./connect.js";
import { lifeOf, nameOf } from "./locks.js";
import { type Member, OTHER_MS } from "./member.js";
import type { Port } from "./messages.js";
import { type Proven, proven } from "./proving.js";

/** Stands for a secret that the engine of a plain database refuses whatever it is. */
const ANY: KeyMaterial = { terms: { by: "key" }, secret: new Uint8Array(32).fill(1) };

/** An engine that has not proven that it knows a client's secret. */
interface Foreign {
  /** The client's secret at that time. */
  readonly material: KeyMaterial;
  readonly error: FerroliteError;
}

/** What the client of an encrypted database knows of the engines that it has heard of. */
interface Search {
  readonly foreign: Map<string, Foreign>;
  /** Engines that are asked for their proof. */
  readonly asked: Set<string>;
  /** Numbers engines in the order in which they were heard, and the one that the client has joined last. */
  heard: number;
  joined: number;
}

const searches = new WeakMap<Member, Search>();

/** Joins the engine `engine`. Until it answers, the client stays with the engine that it has. */
export function follow(member: Member, engine: string): Promise<void> {
  return member.encryption === undefined ? followAny(member, engine) : followProven(member, engine, member.encryption);
}

async function followAny(member: Member, engine: string): Promise<void> {
  const port = await connect(makeBroker, member.file, engine, member.broadcast as BroadcastChannel);
  return member.reached(engine, port && withoutSecrets(port));
}

/** The port to an engine that has proven nothing: a new key for its database, which is plain, stays here. */
function withoutSecrets(port: Port): Port {
  const send = (...given: Parameters<Port["postMessage"]>) => (Object.getPrototypeOf(port) as Port).postMessage.call(port, ...given);
  port.postMessage = (message, transfer) =>
    send("kind" in message && message.kind === "changeKey" ? { ...message, encryption: ANY } : message, transfer);
  return port;
}

/** Several engines may be asked at a time, so that no foreign one keeps the client from the one that leads. */
async function followProven(member: Member, engine: string, material: KeyMaterial): Promise<void> {
  const search = searches.get(member) ?? { foreign: new Map(), asked: new Set(), heard: 0, joined: 0 };
  searches.set(member, search);
  if (search.asked.has(engine)) return;
  if (search.foreign.get(engine)?.material === material) return forgetCandidate(member, engine);
  const number = ++search.heard;
  search.asked.add(engine);
  const outcome = await ask(member, engine, material);
  search.asked.delete(engine);
  if (outcome === undefined) member.notThere(engine);
  else if (!(outcome instanceof FerroliteError)) return join(member, engine, number, search, outcome);
  else if (member.encryption !== undefined && member.encryption !== material) return followProven(member, engine, member.encryption);
  else {
    search.foreign.set(engine, { material, error: outcome });
    if (member.candidate === engine) member.notThere(engine);
  }
  setTimeout(() => void judge(member, search), member.isIn ? OTHER_MS : 0);
}

function forgetCandidate(member: Member, engine: string): void {
  if (member.candidate === engine) member.candidate = undefined;
}

async function ask(member: Member, engine: string, material: KeyMaterial): Promise<Proven | FerroliteError | undefined> {
  const { file } = member;
  const port = await connect(makeBroker, file, engine, member.broadcast as BroadcastChannel);
  await member.life;
  if (port === undefined) return undefined;
  // A change of the key that is under way may be done.
  const changes = member.outbox.requests.flatMap((request) => (request.kind === "changeKey" ? [request.encryption] : []));
  const materials = [material, ...changes.reverse()];
  const outcome = member.isOver ? undefined : await proven(port, { file, engine, join: member.joining(), materials });
  if (outcome === undefined || outcome instanceof FerroliteError) port.close?.();
  return outcome;
}

function join(member: Member, engine: string, number: number, search: Search, { port, answer, material }: Proven): void {
  const hasJoined = member.engine === engine || number < search.joined;
  if (hasJoined || member.isOver || member.isAsleep || member.worker !== undefined) return port.close?.();
  search.joined = number;
  if (material !== member.encryption) {
    wipe(member.encryption);
    member.encryption = copyOf(material);
  }
  member.leave();
  member.engine = engine;
  member.join(port, answer);
}

/**
 * Fails when an engine that really lives does not know the client's secret, or refuses it, and no other does. Otherwise it is
 * foreign, and the client looks for another one.
 */
async function judge(member: Member, search: Search): Promise<void> {
  const { held = [] } = await navigator.locks.query();
  const isHeld = (lock: string) => held.some(({ name }) => name === lock);
  const lives = (engine: string | undefined) => engine !== undefined && isHeld(lifeOf(member.file, engine));
  if (search.asked.size > 0 || lives(member.engine) || member.hold !== undefined || member.isAsleep || member.isOver) return;
  const found = [...search.foreign].find(([engine, { material }]) => material === member.encryption && lives(engine));
  if (found !== undefined && isHeld(nameOf(member.file))) member.fail(found[1].error);
}
