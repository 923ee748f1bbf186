/** There is no broker: a shared worker cannot be made of a text that all tabs have. They send messages by another way. */
export function makeBroker(): SharedWorker | undefined {
  return undefined;
}
