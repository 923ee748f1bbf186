/** What a client does when its page is hidden, goes away, does not run for a while, and runs again. */
import type { Member } from "./member.js";
import { watchPage } from "./page.js";

/** Watches the page of a client, once. */
export function watchPageOf(member: Member): void {
  member.unwatch ??= watchPage({
    showed: (isVisible) => member.port?.postMessage({ kind: "visible", isVisible }, []),
    leaves: () => {
      member.keeper?.leave(member.outbox);
      member.channel.pump();
    },
    slept: (isLeft) => sleep(member, isLeft),
    woke: () => wake(member),
  });
}

/** Lets go of what others wait for: a page that does not run must not keep them from running. */
function sleep(member: Member, isLeft: boolean): void {
  member.isAsleep = true;
  member.queue?.abort();
  member.queue = undefined;
  // A page that is kept for the way back is discarded when it gets a message, or has a lock that somebody waits for.
  member.broadcast?.close();
  if (isLeft) {
    member.leave();
    void member.life?.then((hold) => hold?.release());
    member.life = undefined;
  }
  if (member.hold === undefined) return;
  member.stop();
  member.release();
}

function wake(member: Member): void {
  if (!member.isAsleep || member.isOver) return;
  member.isAsleep = false;
  member.keeper?.comeBack(member.outbox);
  member.begin();
  member.seek();
}
