/** What a client needs later, or never: another client leads, or the network, the engine or the page itself goes. */
export {
  brokerPort, failAlone, failLost, heardOther, keep, lookAfter, noticed, takeOver, tryChangedKey,
} from "./changes.js";
export { follow } from "./following.js";
