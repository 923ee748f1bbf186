/// <reference lib="esnext.disposable" preserve="true" />
/** Their own symbols where the host has them; else those under which only compilers of `using` look. */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");
