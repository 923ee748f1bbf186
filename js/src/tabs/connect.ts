/** How a client comes to a port to the engine: through the broker, or else by a channel that only the two of them know. */
import { MessageChannel } from "../protocol/timers.js";
import type { BrokerMessage } from "./broker.js";
import type { makeBroker } from "./broker-script.js";
import { broadcastPort, isReady, settled } from "./broadcast-port.js";
import type { Port } from "./messages.js";

/** How long the broker may take; it may have to be started. */
const BROKER_MS = 1000;

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
  return (await byBroker(make, file, engine)) ?? broadcastPort(engine, broadcast);
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
