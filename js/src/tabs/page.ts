/** What happens to the page that a client is in. Workers have no such events. */

/** Who wants to know of it. */
export interface PageWatcher {
  showed(isVisible: boolean): void;
  /** The page will not run for a while: it is frozen, or left, perhaps for good. */
  slept(isLeft: boolean): void;
  woke(): void;
}

/** Whether the page is visible; `undefined` in a worker. */
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
  // One that does not come back should not let the others wait either.
  addEventListener("pagehide", () => watcher.slept(true), { signal });
  addEventListener("pageshow", ({ persisted }) => persisted && watcher.woke(), { signal });
  return () => over.abort();
}
