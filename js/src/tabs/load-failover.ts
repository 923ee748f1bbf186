/** Loads the script for the times when another client leads, or when the network, the engine or the page itself goes. */
import { needed } from "../error.js";
import type * as Failover from "./failover.js";

export const failover = (): Promise<typeof Failover> => needed(import("./failover.js"));
