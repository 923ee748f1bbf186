// What `memory` and `floor` keep in memory: the keys in order, and two indexes.

export class KeyIndex {
  #values = new Map();
  #indexes = { group: new Map(), city: new Map() };
  #sorted = [];
  #isSorted = true;

  set(key, document) {
    if (!this.#values.has(key)) {
      this.#isSorted &&= this.#sorted.length === 0 || this.#sorted.at(-1) < key;
      this.#sorted.push(key);
    } else {
      this.#leave(key);
    }
    const values = { group: document.group, city: document.address.city };
    this.#values.set(key, values);
    for (const [name, index] of Object.entries(this.#indexes)) {
      const keys = index.get(values[name]);
      if (keys === undefined) index.set(values[name], new Set([key]));
      else keys.add(key);
    }
  }

  deleteMany(keys) {
    for (const key of keys) {
      this.#leave(key);
      this.#values.delete(key);
    }
    this.#sorted = this.#sorted.filter((key) => this.#values.has(key));
  }

  #leave(key) {
    const values = this.#values.get(key);
    for (const [name, index] of Object.entries(this.#indexes)) index.get(values[name]).delete(key);
  }

  /** All keys in order. */
  keys() {
    if (!this.#isSorted) this.#sorted.sort();
    this.#isSorted = true;
    return this.#sorted;
  }

  /** At most `limit` keys from one on. */
  from(key, limit) {
    const keys = this.keys();
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keys[middle] < key) low = middle + 1;
      else high = middle;
    }
    return keys.slice(low, low + limit);
  }

  equal(name, value) {
    return [...(this.#indexes[name].get(value) ?? [])];
  }

  between(name, from, to) {
    const values = [...this.#indexes[name].keys()].filter((value) => value >= from && value <= to).sort();
    return values.flatMap((value) => this.equal(name, value));
  }
}
