/** Taking an answer of the engine apart: the results of the calls of one message. */
import { putInPlace, splitAttachments } from "../streams/bytes.js";
import { BYTES, OK, type Result } from "./protocol.js";

const decoder = new TextDecoder();

/** The results in an answer, each with the bytes that belong to it. */
export function resultsOf(answer: Uint8Array | string): readonly Result[] {
  if (typeof answer === "string") return JSON.parse(answer) as readonly Result[];
  const { text, attachments } = splitAttachments(answer);
  const results = JSON.parse(decoder.decode(text)) as readonly Result[];
  return attachments.length === 0 ? results : results.map((result) => withBytes(result, attachments));
}

/** Reads the results in an answer without the bytes that belong to them. */
export function bareResultsOf(answer: Uint8Array | string): readonly Result[] {
  if (typeof answer === "string") return JSON.parse(answer) as readonly Result[];
  const end = answer.indexOf(0);
  return JSON.parse(decoder.decode(end < 0 ? answer : answer.subarray(0, end))) as readonly Result[];
}

/** Which task is done, and its result. */
export function finishedOf(finished: Uint8Array): [task: number, result: Result] {
  const { text, attachments } = splitAttachments(finished);
  const [task, result] = JSON.parse(decoder.decode(text)) as [number, Result];
  return [task, attachments.length === 0 ? result : withBytes(result, attachments)];
}

function withBytes(result: Result, attachments: readonly Uint8Array[]): Result {
  if (result[0] === BYTES) return [OK, attachments[result[1]]];
  if (result[0] === OK && result[2] !== undefined) putInPlace(result[1], result[2], attachments);
  return result;
}
