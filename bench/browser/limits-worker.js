// The part of the limits that is measured in a worker; and what answers the page's messages.
import { documentOf, GROUP_SIZE, random } from "./documents.js";
import { BATCH, median } from "./work.js";

const SINGLES = 500;
const READS = 5000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
let documents = [];

globalThis.onmessage = async ({ data: [what, value] }) => {
  const some = documents.slice(0, GROUP_SIZE);
  if (what === "limits") postMessage(await limits(value));
  else if (what === "objects") postMessage(some);
  else if (what === "buffer") {
    const { buffer } = encoder.encode(JSON.stringify(some));
    postMessage(buffer, [buffer]);
  } else postMessage(value);
};

async function limits(count) {
  documents = Array.from({ length: count }, (_, number) => documentOf(number, count));
  const texts = documents.map((document) => JSON.stringify(document));
  const bytes = texts.map((text) => encoder.encode(text));
  const places = [];
  const together = bytes.reduce((at, { length }) => (places.push([at, length]), at + length), 0);
  const all = new Uint8Array(together);
  for (const [at, piece] of bytes.entries()) all.set(piece, places[at][0]);

  const root = await navigator.storage.getDirectory();
  const file = await (await root.getFileHandle("limits", { create: true })).createSyncAccessHandle();
  const figures = {};
  const perDocument = (ms) => (ms * 1000) / count;

  let appendMs = 0;
  for (let from = 0; from < count; from += BATCH) {
    const [start] = places[from];
    const end = places[from + BATCH]?.[0] ?? together;
    appendMs += timed(() => {
      file.write(all.subarray(start, end), { at: start });
      file.flush();
    });
  }
  figures.append = perDocument(appendMs);
  let end = together;
  const append = (piece) => {
    file.write(piece, { at: end });
    end += piece.length;
  };
  const some = bytes.slice(0, SINGLES);
  figures.commit = median(some.map((piece) => timed(() => (append(piece), file.flush())))) * 1000;
  figures.write = median(some.map((piece) => timed(() => append(piece)))) * 1000;

  const draw = random(4);
  const chosen = Array.from({ length: READS }, () => places[Math.floor(draw() * count)]);
  const buffer = new Uint8Array(4096);
  const readEach = () => {
    for (const [at, length] of chosen) file.read(buffer.subarray(0, length), { at });
  };
  figures.read = (several(readEach) * 1000) / READS;
  const target = new Uint8Array(together);
  figures.readAll = several(() => file.read(target, { at: 0 }));
  figures.copy = several(() => target.set(all));
  file.close();
  await root.removeEntry("limits");

  const array = `[${texts}]`;
  figures.decode = perDocument(several(() => bytes.map((piece) => decoder.decode(piece))));
  figures.parse = perDocument(several(() => texts.map((text) => JSON.parse(text))));
  figures.parseAll = perDocument(several(() => JSON.parse(array)));
  figures.stringify = perDocument(several(() => documents.map((document) => JSON.stringify(document))));
  return figures;
}

function timed(action) {
  const startMs = performance.now();
  action();
  return performance.now() - startMs;
}

function several(action) {
  return median(Array.from({ length: 6 }, () => timed(action)).slice(1));
}
