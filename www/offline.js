// Makes the page work without a network: starts its service worker, and tells of new versions.
import "./offline-files.js";

const ASK_AGAIN_MS = 2000;

const $ = (id) => document.getElementById(id);

function show(state, text) {
  $("offline").dataset.state = state;
  $("offline").textContent = text;
}

/** Keeps the page for later as it is now; what goes wrong is told, and the page does without. */
export async function startOffline() {
  const { serviceWorker } = navigator;
  if (serviceWorker === undefined || !isSecureContext) {
    show("missing", "This page needs the network: the browser offers service workers by https and on localhost alone.");
    return;
  }
  // A page that nobody serves yet is claimed by its first worker: nothing changes for it.
  let isServed = serviceWorker.controller !== null;
  serviceWorker.addEventListener("controllerchange", () => {
    if (isServed) location.reload();
    isServed = true;
  });
  try {
    const { version } = await globalThis.offlineFiles.current();
    const registration = await serviceWorker.register(`sw.js?version=${version}`, { updateViaCache: "none" });
    registration.addEventListener("updatefound", () => follow(registration));
    follow(registration);
    await serviceWorker.ready;
    const kept = new URL(registration.active.scriptURL).searchParams.get("version");
    show("ready", `Ready: this page and its database also open offline. Kept as version ${kept.slice(0, 8)}.`);
  } catch (error) {
    if (serviceWorker.controller === null) show("missing", `This page needs the network: ${error.message}`);
    else show("ready", "Offline: this page is opened as it was kept.");
  }
}

/** Offers a version as soon as all of it is there. */
function follow({ installing, waiting, active }) {
  const next = waiting ?? installing;
  if (next === null || active === null) return;
  const offer = () => {
    if (next.state !== "installed") return;
    $("update").hidden = false;
    // The page is loaded anew when it has taken over. One that could not be started, for want of memory, is asked again.
    const ask = () => next.postMessage("take over");
    $("update-now").onclick = () => {
      ask();
      setInterval(ask, ASK_AGAIN_MS);
    };
  };
  next.addEventListener("statechange", offer);
  offer();
}
