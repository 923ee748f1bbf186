/** A client as the code sees it that loads later: its state, and the steps that this code takes with it. */
import type { Channel } from "../protocol/channel.js";
import type { KeyMaterial } from "../arguments/encryption.js";
import type { FerroliteError } from "../error.js";
import type { Keeper } from "./keeper.js";
import type { Kept } from "./kept-files.js";
import type { Hold } from "./locks.js";
import type { Answer, Join, Port } from "./messages.js";
import type { Outbox } from "./outbox.js";

/** How long a client looks for an engine that it understands, after it has heard of one that it does not. */
export const OTHER_MS = 1000;

/** An engine's worker, and the channel by which it is asked to open. */
export interface Started {
  readonly worker: Worker;
  readonly channel: Channel;
}

/** True if this context can start engines. Shared workers of some browsers cannot. */
export const canLead = () => typeof Worker !== "undefined";

export interface Member {
  readonly channel: Channel;
  readonly id: string;
  /** The name of the database file. */
  readonly file: string;
  readonly readOnly: boolean;
  readonly outbox: Outbox;
  /** The lock by which others see that this client lives; on its way. */
  life: Promise<Hold | undefined> | undefined;
  readonly broadcast: BroadcastChannel | undefined;
  /** Calls off this client's place in the queue for the file's lock. */
  queue: AbortController | undefined;
  /** The file's lock, while this client leads or has just done so. */
  hold: Hold | undefined;
  /** The engine's worker, while this client leads. */
  readonly worker: Worker | undefined;
  /** The engine that this client talks to, or tries to. */
  engine: string | undefined;
  readonly port: Port | undefined;
  /** The engine that this client tries to reach. */
  candidate: string | undefined;
  /** True if some engine has let this client in. */
  readonly isIn: boolean;
  isAsleep: boolean;
  readonly isOver: boolean;
  encryption: KeyMaterial | undefined;
  /** The change of the key whose new key was tried already. */
  triedChange: object | undefined;
  /** Exists once its script is loaded. */
  keeper: Keeper | undefined;
  /** Ends the watch over the page; exists once there is one. */
  unwatch: (() => void) | undefined;
  /** Ends when this client looks for an engine of the same version. */
  other: ReturnType<typeof setTimeout> | undefined;

  /** Takes the lock by which others see that this client lives, and listens to the announcements of the file's clients. */
  begin(): void;
  /** Looks for an engine, or becomes one. */
  seek(): void;
  /** Starts an engine; `hold` is the file's lock. */
  leadBy(hold: Hold, kept?: Kept): Promise<void>;
  /** The message by which this client joins an engine. */
  joining(): Join;
  /** Joins the engine behind a port; by its answer where the engine has asked for the client's proof. */
  join(port: Port, answer?: Answer): void;
  /** Joins a candidate by its port, unless this client has another candidate by now. Without a port gives it up. */
  reached(engine: string, port: Port | undefined): Promise<void>;
  /** Gives a candidate up. */
  notThere(engine: string): void;
  /** Ends the own engine, if there is one, as a crash would. */
  stop(): void;
  /** Disconnects from the engine. */
  leave(): void;
  /** Gives the file's lock back, and follows whoever gets it. */
  release(): void;
  /** Asks everybody who has the file open whether there is an engine. */
  hello(): void;
  fail(error: FerroliteError): void;
  /** The file's lock was taken away. */
  readonly lost: () => void;
}
