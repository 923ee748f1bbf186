// A cache: answers that cost something are kept for a while.
import { setTimeout as sleep } from "node:timers/promises";
import { Ferrolite } from "ferrolite";

// What a crash may lose of a cache can be fetched again: it is flushed once a second at most.
const db = await Ferrolite.open("cache", { durability: { periodic: 1000 } });
const cache = db.collection("answers");

/**
 * What `fetchAnswer` gives for `key`, at most `seconds` old.
 * @param {string} key
 * @param {number} seconds
 * @param {(key: string) => unknown} fetchAnswer
 */
async function cached(key, seconds, fetchAnswer) {
  const kept = await cache.get(key);
  if (kept !== undefined) return kept;
  const answer = await fetchAnswer(key);
  await cache.setEx(key, answer, seconds);
  return answer;
}

let fetched = 0;
/** @param {string} city */
const weather = (city) => ({ city, degrees: 20 + fetched++ });

console.log(await cached("ulm", 0.5, weather)); // fetched
console.log(await cached("ulm", 0.5, weather)); // kept
await sleep(600);
console.log(await cached("ulm", 0.5, weather)); // the first has expired

// Times to live can be looked at and changed; `set` clears one unless it is told to keep it.
await cache.expire("ulm", 3600);
await cache.set("ulm", { city: "ulm", degrees: 30 }, { keepTtl: true });
console.log("at most an hour:", (await cache.ttl("ulm") ?? Infinity) <= 3600);
await cache.persist("ulm");
console.log("for ever:", await cache.ttl("ulm"));

// A session that goes on while it is used, and is told when it ends.
const sessions = db.collection("sessions");
await sessions.setEx("s1", { user: "ann" }, 0.3);
await sessions.expire("s1", 0.6);
sessions.watch({ key: "s1" }).subscribe(({ kind, key }) => console.log(kind, key));
await sleep(1000); // a watch alone does not keep a program running
await db.close();
