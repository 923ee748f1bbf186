// FerroliteSync in the shape of Ferrolite, so that the shared cases can be run on it: what a verb returns or throws comes as
// a promise, and what is read piece by piece as a stream or an async iterable.

/** The class, for the cases. `sync` is what `ferrolite/sync` exports; what is not of one open database is the other's. */
export function promised({ FerroliteSync }, Ferrolite) {
  return {
    open: async (...args) => wrap(await FerroliteSync.open(...args)),
    delete: (name) => FerroliteSync.delete(name),
    list: (directory) => FerroliteSync.list(directory),
    import: (...args) => Ferrolite.import(...args),
    salvage: (...args) => Ferrolite.salvage(...args),
  };
}

/** What is not to be changed: watches wait themselves, and a collection is made at once. */
const AS_IT_IS = ["watch", "watchQuery", "constructor"];

function wrap(target) {
  return new Proxy(target, {
    get(_, name) {
      const member = target[name === Symbol.asyncDispose ? Symbol.dispose : name];
      if (typeof member !== "function" || AS_IT_IS.includes(name)) return typeof member === "function" ? member.bind(target) : member;
      if (name === "collection") return (...args) => wrap(target.collection(...args));
      if (name === "scan") return (...args) => iterated(() => target.scan(...args));
      if (name === "getStream" || name === "export") return async (...args) => streamed(target[name](...args));
      if (name === "snapshot") return async () => wrap(target.snapshot());
      if (name === "setStream") return async (key, source, ...rest) => target.setStream(key, await gathered(source), ...rest);
      return async (...args) => member.apply(target, args);
    },
  });
}

async function* iterated(iterate) {
  yield* iterate();
}

function streamed(pieces) {
  if (pieces === undefined) return undefined;
  return new ReadableStream(
    {
      pull(controller) {
        const { done, value } = pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => void pieces.return(),
    },
    { highWaterMark: 0 },
  );
}

/** The pieces of a source that can be waited for; any other is left to the verb. */
async function gathered(source) {
  const isStream = source instanceof Blob || source instanceof ReadableStream;
  if (!isStream && typeof source?.[Symbol.asyncIterator] !== "function") return source;
  const pieces = [];
  for await (const piece of source instanceof Blob ? source.stream() : source) pieces.push(piece);
  return pieces;
}
