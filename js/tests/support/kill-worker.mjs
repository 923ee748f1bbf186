// Works on a database and acknowledges each step on standard output, until it is killed: path, seed, first step.
import { writeSync } from "node:fs";

import { Ferrolite, Transaction } from "ferrolite";

import { optionsOf, work } from "./stream.mjs";

const [path, seed, from] = process.argv.slice(2);
// One system call each, so that a line is there or not.
writeSync(1, "opening\n");
const db = await Ferrolite.open(path, optionsOf(Number(seed)));
writeSync(1, "open\n");
await work(db, Transaction, Number(seed), Number(from), (number) => writeSync(1, `${number}\n`));
