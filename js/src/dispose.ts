/// <reference lib="esnext.disposable" preserve="true" />
/** Its own symbol where the host has it; else one under which only `await using` compilers look. */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");
