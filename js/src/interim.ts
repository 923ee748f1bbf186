/** A connection of one client, as if it had several. */
import type { Connection } from "./ferrolite.js";

export function severalClients(connection: any): Connection {
  if ("join" in connection) return connection;
  let last = 0;
  const tasks = new Map<number, number>();
  return {
    opens() {},
    join: () => ++last,
    leave() {},
    execute(client: number, _number: number, _isRepeated: boolean, message: Uint8Array) {
      const answer = connection.execute(message);
      for (const [, task] of new TextDecoder().decode(answer).matchAll(/\[2,(\d+)\]/g)) tasks.set(Number(task), client);
      return answer;
    },
    hasTasks: () => connection.hasTasks(),
    step() {
      const bytes = connection.step();
      return bytes && [tasks.get(Number(/\d+/.exec(new TextDecoder().decode(bytes))?.[0])) ?? 0, bytes];
    },
    maintain: (bytes: number) => connection.maintain(bytes),
    nextSync: () => connection.nextSync(),
    sync: () => connection.sync(),
    exportChunk: (_client: number, number: number) => connection.exportChunk(number),
    changeKey: (terms: object, secret: Uint8Array) => connection.changeKey(terms, secret),
    stats: () => connection.stats(),
    close: () => connection.close(),
  } as unknown as Connection;
}
