/** What a client needs later, or never: another client leads, or the network, the engine or the page itself goes. */
export {
  brokerPort, failAlone, failLost, follow, heardOther, keep, lookAfter, noticed, takeOver, tryChangedKey,
} from "./changes.js";
