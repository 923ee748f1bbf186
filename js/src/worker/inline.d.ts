/** What `tools/package/bundle-js.mjs` puts into the inline build. */
declare module "inline:worker" {
  /** The script of the worker, with the wasm in it. */
  const script: string;
  export default script;
}
declare module "inline:wasm" {
  /** The wasm, deflated, as base64. */
  const text: string;
  export default text;
}
