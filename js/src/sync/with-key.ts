/** Copies the secret that a caller has given, where nothing can be waited for. */
export { keyMaterial } from "../key-material.js";
