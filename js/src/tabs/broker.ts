/**
 * The script of a shared worker that knows the engine of each file, and hands it the ports of clients: ports can go from one
 * tab to another by no other way. It has no state that matters; when it is gone the next one begins anew.
 */

/** The engines, by file. */
const engines = new Map<string, { readonly engine: string; readonly port: MessagePort }>();

(globalThis as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = ({ ports: [port] }) => {
  if (port === undefined) return;
  port.onmessage = ({ data, ports }: MessageEvent<BrokerMessage | null>) => {
    if (typeof data?.file !== "string") return;
    if (data.kind === "engine") {
      engines.set(data.file, { engine: data.engine, port });
      port.postMessage({ kind: "known" });
      return;
    }
    const found = engines.get(data.file);
    if (found?.engine === data.engine) found.port.postMessage({ kind: "client" }, [...ports]);
    else port.postMessage({ kind: "unknown" });
  };
};

/** An engine says that it is there; or a client brings a port for one. */
export type BrokerMessage = { readonly kind: "engine" | "client"; readonly file: string; readonly engine: string };
