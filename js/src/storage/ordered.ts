/** Answers of an engine whose files are stored later than its flushes return: they wait for that, in their order. */
import type { FerroliteError } from "../error.js";
import type { Response } from "../protocol.js";
import type { IndexedDbHost } from "./indexeddb.js";

type Post = (response: Response, transfer: ArrayBuffer[]) => void;

/**
 * Sends an answer when everything is stored that was flushed before it. When the files fail, that is told at once as `fatal`,
 * and nothing after it: what was not answered by then may be lost.
 */
export function whenStored(host: IndexedDbHost, post: Post): Post {
  let last: Promise<unknown> | undefined;
  let hasFailed = false;
  host.onFailure = (error: FerroliteError) => {
    hasFailed = true;
    post({ fatal: error.report() }, []);
  };
  return (response, transfer) => {
    const { pending } = host;
    if (hasFailed || (pending === undefined && last === undefined)) return hasFailed ? undefined : post(response, transfer);
    const mine = Promise.all([last, pending]).then(
      () => {
        if (last === mine) last = undefined;
        if (!hasFailed) post(response, transfer);
      },
      // `onFailure` tells of it.
      () => {
        hasFailed = true;
      },
    );
    last = mine;
  };
}
