// One part of the work with one subject, in this thread.
import { subjects } from "./subjects.js";
import { load, work } from "./work.js";

/** `task` is `{ part: "load" | "work", subject, count, name }`, and for profiles `only` and `readMs`; `place` "worker" or "page". */
export async function perform({ part, subject, count, name, only, readMs }, place, { onFirst, measureMemory }) {
  const [driver, options] = subjects[subject][place];
  const { open } = await import(`./subjects/${driver}.js`);
  const opening = () => open(name, { ...options, count, part });
  return part === "load" ? load(opening, count, onFirst) : work(opening, count, onFirst, measureMemory, { only, readMs });
}
