/** What a client needs later, or never: for the day when the network, the leader or the page itself is gone, or another leads. */
export { connect, startBroker } from "./connect.js";
export { lostCommits, nobodyLeads } from "./failures.js";
export { Keeper } from "./keeper.js";
export { otherVersion } from "./messages.js";
