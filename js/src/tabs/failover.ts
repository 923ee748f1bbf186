/** What a client needs only when another client leads, or when the network, the engine or the page itself goes. */
export {
  brokerPort, failAlone, failLost, heardOther, keep, lookAfter, noticed, takeOver, tryChangedKey,
} from "./changes.js";
export { follow } from "./following.js";
