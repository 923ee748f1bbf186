/** How a client comes to a port to the engine: through the broker, or else by a channel that only the two of them know. */
import { clearTimeout, MessageChannel, setTimeout } from "../timers.js";
import type { BrokerMessage } from "./broker.js";
import type { makeBroker } from "./broker-script.js";
import { type Announcement, isEngineMessage, type Port, PROTOCOL, randomId } from "./messages.js";

/** How long the broker may take; it may have to be started. */
const BROKER_MS = 1000;
/** How long an engine may take to answer. One that is busy is asked again. */
const ENGINE_MS = 3000;

/** The broker, where there are shared workers. */
export function startBroker(make: typeof makeBroker): SharedWorker | undefined {
  if (typeof SharedWorker === "undefined") return undefined;
  try {
    return make();
  } catch {
    // A page may forbid it.
    return undefined;
  }
}

/** A port to an engine, which is ready there; `undefined` when it does not answer. */
export async function connect(
  make: typeof makeBroker,
  file: string,
  engine: string,
  broadcast: BroadcastChannel,
): Promise<Port | undefined> {
  return (await byBroker(make, file, engine)) ?? byBroadcast(engine, broadcast);
}

async function byBroker(make: typeof makeBroker, file: string, engine: string): Promise<Port | undefined> {
  const broker = startBroker(make);
  if (broker === undefined) return undefined;
  const { port1, port2 } = new MessageChannel();
  const isThere = await settled(BROKER_MS, (end) => {
    port1.onmessage = ({ data }) => isReady(data) && end(true);
    broker.onerror = () => end(false);
    broker.port.onmessage = () => end(false);
    broker.port.postMessage({ kind: "client", file, engine } satisfies BrokerMessage, [port2]);
  });
  broker.port.close();
  if (isThere) return port1;
  port1.close();
  return undefined;
}

async function byBroadcast(engine: string, broadcast: BroadcastChannel): Promise<Port | undefined> {
  const port = new BroadcastChannel(`${broadcast.name}/${randomId()}`);
  const isThere = await settled(ENGINE_MS, (end) => {
    port.onmessage = ({ data }) => isReady(data) && end(true);
    const announcement: Announcement = { kind: "connect", version: PROTOCOL, engine, channel: port.name };
    try {
      broadcast.postMessage(announcement);
    } catch {
      // The client was closed while it waited for the broker, and its channel with it.
      end(false);
    }
  });
  if (isThere) return port;
  port.close();
  return undefined;
}

const isReady = (data: unknown): boolean => isEngineMessage(data) && "kind" in data && data.kind === "ready";

/** What `begin` says it comes to; false when that takes too long. */
function settled(milliseconds: number, begin: (end: (is: boolean) => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    begin((is) => {
      clearTimeout(timer);
      resolve(is);
    });
  });
}
