// The values of the table that JSON does not have: what they stand for in arguments, and what they match in results.

/** A time to live may be so many seconds shorter than it was when it was given. */
const slownessSeconds = 30;

/** What is not there. */
export const none = Object.freeze({ $none: true });

/** The name and the argument of a value that JSON does not have; undefined when JSON has it. */
function special(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const [[name, argument] = [""], another] = Object.entries(value);
  return name.startsWith("$") && another === undefined ? [name.slice(1), argument] : undefined;
}

const isPlain = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const show = (value) => JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner)) ?? "undefined";

/** The values that were kept, by their names. */
export class Kept {
  #values = new Map();

  /** The argument that is meant by `value`. */
  resolve(value) {
    const [name, argument] = special(value) ?? [];
    switch (name) {
      case "kept": return this.#named(argument);
      case "integer": return BigInt(argument);
      case "repeat": return argument[0].repeat(argument[1]);
      case "nested": return nested(argument);
      case "none": return undefined;
      case undefined: break;
      default: throw new Error(`an argument cannot be $${name}`);
    }
    if (Array.isArray(value)) return value.map((element) => this.resolve(element));
    if (!isPlain(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, this.resolve(inner)]));
  }

  /** What is wrong with `actual`; undefined when it is what is expected. */
  compare(actual, expected) {
    const verdict = (isGood) => (isGood ? undefined : `expected ${show(expected)}, and got ${show(actual)}`);
    const [name, argument] = special(expected) ?? [];
    switch (name) {
      case "any": {
        this.#values.set(argument, actual);
        return verdict(!isNone(actual));
      }
      case "kept": return verdict(show(actual) === show(this.#named(argument)));
      case "integer": return verdict(typeof actual === "bigint" && actual === BigInt(argument));
      case "about": return verdict(typeof actual === "number" && actual <= argument && actual > argument - slownessSeconds);
      case "has": return isPlain(actual) ? this.#fields(actual, argument) : verdict(false);
      case "none": return verdict(isNone(actual));
      case "repeat": case "nested": return verdict(show(actual) === show(this.resolve(expected)));
      case undefined: break;
      default: throw new Error(`a result cannot be $${name}`);
    }
    if (Array.isArray(expected)) {
      if (!Array.isArray(actual) || actual.length !== expected.length) return verdict(false);
      return firstWrong(expected.map((element, index) => this.compare(actual[index], element)));
    }
    if (!isPlain(expected)) return verdict(Object.is(actual, expected) || (actual === 0 && expected === 0));
    const isAlike = isPlain(actual) && Object.keys(actual).length === Object.keys(expected).length;
    return isAlike ? this.#fields(actual, expected) : verdict(false);
  }

  #fields(actual, expected) {
    const wrong = ([field, value]) => {
      if (!Object.hasOwn(actual, field)) return `expected a field ${field} in ${show(actual)}`;
      const told = this.compare(actual[field], value);
      return told === undefined ? undefined : `${field}: ${told}, in ${show(actual)}`;
    };
    return firstWrong(Object.entries(expected).map(wrong));
  }

  #named(name) {
    if (!this.#values.has(name)) throw new Error(`nothing was kept as ${name}`);
    return this.#values.get(name);
  }
}

const isNone = (value) => value === undefined || value === none;
const firstWrong = (told) => told.find((wrong) => wrong !== undefined);

function nested(levels) {
  let value = 0;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}
