/** What opens an encrypted database, where nothing can be waited for. */
export { wipe } from "../encryption.js";
export { keyMaterial } from "../key-material.js";
