/** What happens to the page that a client is in. Workers have no such events. */

/** Who wants to know of it. */
export interface PageWatcher {
  showed(isVisible: boolean): void;
  /** The page goes away. The application's own listeners for that are still to run. */
  leaves(): void;
  /** The page will not run for a while: it is frozen, or left and kept for the way back. All listeners have run. */
  slept(isLeft: boolean): void;
  woke(): void;
}

/** True if the page is visible; `undefined` in a worker. */
export const isVisible = (): boolean | undefined =>
  typeof document === "undefined" ? undefined : document.visibilityState === "visible";

/** Watches the page until what is returned is called. */
export function watchPage(watcher: PageWatcher): () => void {
  if (typeof document === "undefined") return () => {};
  const over = new AbortController();
  const { signal } = over;
  document.addEventListener("visibilitychange", () => watcher.showed(isVisible() === true), { signal });
  document.addEventListener("freeze", () => watcher.slept(false), { signal });
  document.addEventListener("resume", () => watcher.woke(), { signal });
  const left = () => watcher.slept(true);
  const leaves = ({ persisted }: PageTransitionEvent) => {
    watcher.leaves();
    // A page that ends keeps its port and its locks to the end, for what it still sends; the browser releases them.
    if (!persisted) return;
    // Listeners that are added now run behind those that are there already. A visible page is hidden after this event.
    addEventListener(isVisible() === true ? "visibilitychange" : "pagehide", left, { once: true, signal });
  };
  addEventListener("pagehide", leaves, { capture: true, signal });
  addEventListener("pageshow", ({ persisted }) => persisted && watcher.woke(), { signal });
  return () => over.abort();
}
