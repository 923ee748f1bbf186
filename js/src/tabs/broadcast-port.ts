/** Connects a client with the engine by a channel that only the two of them know. Hosts without shared workers need it. */
import { clearTimeout, setTimeout } from "../protocol/timers.js";
import { type Announcement, type EngineMessage, type Port, PROTOCOL, randomId } from "./messages.js";

/** Milliseconds that an engine has to answer. A busy engine is asked again. */
const ENGINE_MS = 3000;

/** Returns a port to an engine, which is ready there; `undefined` if the engine does not answer. */
export async function broadcastPort(engine: string, broadcast: BroadcastChannel): Promise<Port | undefined> {
  const port = new BroadcastChannel(`${broadcast.name}/${randomId()}`);
  const isThere = await settled(ENGINE_MS, (end) => {
    port.onmessage = ({ data }) => isReady(data) && end(true);
    try {
      broadcast.postMessage({ kind: "connect", version: PROTOCOL, engine, channel: port.name } satisfies Announcement);
    } catch {
      // The client was closed while it waited for the broker, and its channel with it.
      end(false);
    }
  });
  return isThere ? port : void port.close();
}

/** True for an engine's first message at a port. */
export const isReady = (data: unknown): boolean => (data as Partial<EngineMessage & { kind: unknown }> | null)?.kind === "ready";

/** The value that `begin` gives to its argument; false if that takes too long. */
export function settled(milliseconds: number, begin: (end: (is: boolean) => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    begin((is) => {
      clearTimeout(timer);
      resolve(is);
    });
  });
}
