/** Loads what a client needs later, or never. */
import { needed } from "../error.js";
import type * as Keeping from "./failover.js";

export const keeping = (): Promise<typeof Keeping> => needed(import("./failover.js"));
