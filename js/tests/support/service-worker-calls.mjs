/** Runs what a page sends as text, with `Ferrolite` in scope, and answers with its value or its error. */
export function answer(Ferrolite) {
  self.addEventListener("install", () => self.skipWaiting());
  self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  const run = async (text) => {
    try {
      return { value: await new Function("Ferrolite", `return (${text})(Ferrolite);`)(Ferrolite) };
    } catch ({ code, message }) {
      return { code, message };
    }
  };
  self.addEventListener("message", (event) => event.waitUntil(run(event.data).then((result) => event.ports[0].postMessage(result))));
}
