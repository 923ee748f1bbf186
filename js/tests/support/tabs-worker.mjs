// A client in a dedicated or in a shared worker. It is told { name, who }, and says what it counts.
import { Ferrolite } from "/ferrolite/index.js";

import { work } from "./tabs.mjs";

async function serve(port) {
  port.onmessage = async ({ data: { name, who } }) => {
    try {
      const db = await Ferrolite.open(name);
      port.postMessage({ open: true });
      const working = work(db, who, (count) => port.postMessage({ count }));
      port.onmessage = async () => {
        try {
          const total = await working.stop();
          await db.close();
          port.postMessage({ total });
        } catch (error) {
          port.postMessage({ failed: String(error.stack ?? error) });
        }
      };
      await working.over;
    } catch (error) {
      port.postMessage({ failed: `${error.code}: ${error.stack ?? error}` });
    }
  };
}

if ("onconnect" in globalThis) globalThis.onconnect = ({ ports: [port] }) => serve(port);
else serve(globalThis);
