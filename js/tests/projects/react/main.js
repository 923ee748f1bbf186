// The hooks of `ferrolite/react` in a real page; the cases are run by name.
import { cases } from "./cases.js";

globalThis.play = async (name) => {
  const root = document.createElement("div");
  document.body.append(root);
  try {
    await cases[name](root);
  } catch (error) {
    return String(error?.stack ?? error);
  } finally {
    root.remove();
  }
};
