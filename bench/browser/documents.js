// The documents of the benchmark: about 280 bytes of JSON each, with nested fields, the same from the same seed everywhere.

/** How many documents a query of each index finds, where there are enough of them. */
export const GROUP_SIZE = 2000;
export const CITY_SIZE = 400;

const WORDS =
  "amber basalt cedar delta ember fjord grove harbor island juniper kestrel lagoon meadow north orchard pine quarry reef".split(
    " ",
  );
const FIRST = "Ada Björn Chloé Dmitri Elif Femi Grace Hana Iris Jonas Kaya Linus Mei Nils Olga Priya".split(" ");

/** Mulberry32: numbers below 1, the same for the same seed. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The key of the document with this number; keys have the order of the numbers. */
export const keyOf = (number) => `user:${String(number).padStart(8, "0")}`;

/** How many groups and cities there are among so many documents. */
export const groupsOf = (count) => Math.max(2, Math.round(count / GROUP_SIZE));
export const citiesOf = (count) => Math.max(4, Math.round(count / CITY_SIZE));

/** The names of cities have the order of their numbers. */
export const cityOf = (number) => `city-${String(number).padStart(4, "0")}`;

/** The document with this number among `count`; `edition` makes other ones for the same key. */
export function documentOf(number, count, edition = 0) {
  const draw = random(number * 7 + edition * 1_000_003 + 1);
  const pick = (list) => list[Math.floor(draw() * list.length)];
  const name = pick(FIRST);
  return {
    id: number,
    name: `${name} ${pick(WORDS)}`,
    email: `${name.toLowerCase()}.${number}@example.org`,
    // Multiplied by a prime, so that neighbours are in different groups, and each group has as many as the others.
    group: `group-${(number * 7919) % groupsOf(count)}`,
    age: 18 + Math.floor(draw() * 60),
    score: Math.round(draw() * 1e6) / 100,
    edition,
    address: {
      street: `${1 + Math.floor(draw() * 200)} ${pick(WORDS)} street`,
      city: cityOf((number * 104_729) % citiesOf(count)),
      position: { lat: Math.round(draw() * 18e5) / 1e4 - 90, lon: Math.round(draw() * 36e5) / 1e4 - 180 },
    },
    tags: [pick(WORDS), pick(WORDS)],
    about: `${pick(WORDS)} ${pick(WORDS)} ${pick(WORDS)}`,
  };
}

/** Documents from one number up to another, as `[key, document]`. */
export function pairsOf(from, to, count, edition = 0) {
  return Array.from({ length: to - from }, (_, at) => [keyOf(from + at), documentOf(from + at, count, edition)]);
}

/** `amount` numbers below `count`, all different. */
export function sample(amount, count, seed) {
  const draw = random(seed);
  const chosen = new Set();
  while (chosen.size < Math.min(amount, count)) chosen.add(Math.floor(draw() * count));
  return [...chosen];
}
