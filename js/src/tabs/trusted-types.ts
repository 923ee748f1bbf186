/**
 * Workers in pages that demand trusted addresses (`require-trusted-types-for 'script'`).
 *
 * Bundlers find a script by a literal `new Worker(new URL(...))`, so its address cannot be wrapped there. Instead the
 * constructor of the page wraps it, for the duration of that one synchronous call.
 */
type Constructor = new (url: unknown, options?: unknown) => object;

interface Page extends Record<"Worker" | "SharedWorker", Constructor> {
  readonly trustedTypes?: {
    createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: unknown): unknown };
  };
}

let policy: ReturnType<NonNullable<Page["trustedTypes"]>["createPolicy"]> | undefined;

/** Makes a worker by a constructor of the page, with a trusted address if the page demands that. */
export function makeTrusted<T>(kind: "Worker" | "SharedWorker", make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    const page = globalThis as unknown as Page;
    if (!page.trustedTypes) throw thrown;
    // Lists of allowed policies have this name.
    const trusting = (policy ??= page.trustedTypes.createPolicy("ferrolite", { createScriptURL: String }));
    const original = page[kind];
    page[kind] = class extends original {
      constructor(url: unknown, options?: unknown) {
        super(trusting.createScriptURL(url), options);
      }
    };
    try {
      return make();
    } finally {
      page[kind] = original;
    }
  }
}
