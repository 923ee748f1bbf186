// No database: what an OPFS file costs at least. Commits are appended, one write and one flush each; where documents lie is kept in
// memory, and found out at every start by reading the whole file. Nothing is checked, and what is overwritten is never freed.
//
// A record is the length of the key and that of the JSON, 32 bits each, and both; of a deletion the second is DELETED.
import { KeyIndex } from "./key-index.js";

const HEADER = 8;
const DELETED = 0xffffffff;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export async function open(name) {
  const root = await navigator.storage.getDirectory();
  const file = await (await root.getFileHandle(`${name}.floor`, { create: true })).createSyncAccessHandle();
  const index = new KeyIndex();
  const places = new Map();
  let end = file.getSize();
  let buffer = new Uint8Array(1 << 16);

  /** `pairs` have `undefined` in the place of a document that is deleted. */
  const commit = (pairs) => {
    let length = 0;
    for (const [key, document] of pairs) {
      const json = document === undefined ? "" : JSON.stringify(document);
      // UTF-8 takes at most three bytes for each unit of UTF-16.
      const needed = length + HEADER + 3 * (key.length + json.length);
      if (needed > buffer.length) {
        const larger = new Uint8Array(2 * needed);
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      const view = new DataView(buffer.buffer, length);
      const keyLength = encoder.encodeInto(key, buffer.subarray(length + HEADER)).written;
      const jsonLength = encoder.encodeInto(json, buffer.subarray(length + HEADER + keyLength)).written;
      view.setUint32(0, keyLength);
      view.setUint32(4, document === undefined ? DELETED : jsonLength);
      if (document !== undefined) {
        places.set(key, [end + length + HEADER + keyLength, jsonLength]);
        index.set(key, document);
      }
      length += HEADER + keyLength + jsonLength;
    }
    file.write(buffer.subarray(0, length), { at: end });
    file.flush();
    end += length;
  };

  const replay = () => {
    const bytes = new Uint8Array(end);
    file.read(bytes, { at: 0 });
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < end; ) {
      const [keyLength, length] = [view.getUint32(at), view.getUint32(at + 4)];
      const [keyAt, jsonAt] = [at + HEADER, at + HEADER + keyLength];
      const key = decoder.decode(bytes.subarray(keyAt, jsonAt));
      if (length === DELETED) {
        places.delete(key);
        index.deleteMany([key]);
      } else {
        places.set(key, [jsonAt, length]);
        index.set(key, JSON.parse(decoder.decode(bytes.subarray(jsonAt, jsonAt + length))));
      }
      at = jsonAt + (length === DELETED ? 0 : length);
    }
  };
  replay();

  const get = (key) => {
    const [at, length] = places.get(key);
    if (length > buffer.length) buffer = new Uint8Array(2 * length);
    const bytes = buffer.subarray(0, length);
    file.read(bytes, { at });
    return JSON.parse(decoder.decode(bytes));
  };
  const all = (keys) => keys.map(get);
  /** Most of the file is asked for: it is read at once. */
  const scan = () => {
    const bytes = new Uint8Array(end);
    file.read(bytes, { at: 0 });
    return index.keys().map((key) => {
      const [at, length] = places.get(key);
      return JSON.parse(decoder.decode(bytes.subarray(at, at + length)));
    });
  };
  return {
    put: (key, document) => commit([[key, document]]),
    insertMany: commit,
    get,
    getMany: all,
    scan,
    range: (from, limit) => all(index.from(from, limit)),
    equals: (group) => all(index.equal("group", group)),
    equalsKeys: (group) => index.equal("group", group),
    nested: (city) => all(index.equal("city", city)),
    nestedRange: (from, to) => all(index.between("city", from, to)),
    updateMany: commit,
    deleteMany: (keys) => {
      commit(keys.map((key) => [key, undefined]));
      for (const key of keys) places.delete(key);
      index.deleteMany(keys);
    },
    close: () => file.close(),
  };
}
