/** The content of a file in memory, in chunks of one size, and which of them have changed. */

/** What is to be done to the chunks that are stored, so that they become those in memory. */
export interface Changes {
  readonly length: number;
  /** Chunks from this one on are gone, before others are written; `undefined` when none is. */
  readonly removedFrom: number | undefined;
  /** Chunks to write, by their number. */
  readonly written: readonly (readonly [number: number, bytes: ArrayBuffer])[];
}

export class Chunks {
  readonly size: number;
  /** A chunk that is not there is zero. */
  readonly #chunks: (Uint8Array<ArrayBuffer> | undefined)[];
  readonly #dirty = new Set<number>();
  #length: number;
  #removedFrom: number | undefined;
  #isChanged = false;

  /** A file with this content. */
  constructor(size: number, length = 0, chunks: (Uint8Array<ArrayBuffer> | undefined)[] = []) {
    this.size = size;
    this.#length = length;
    this.#chunks = chunks;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes of all chunks. */
  get bytes(): number {
    return Math.ceil(this.#length / this.size) * this.size;
  }

  /** Bytes of the chunks that there would be more, were the file as long as this. */
  growth(length: number): number {
    return Math.max(0, Math.ceil(length / this.size) * this.size - this.bytes);
  }

  get isChanged(): boolean {
    return this.#isChanged;
  }

  read(buffer: Uint8Array, at: number): number {
    const count = Math.max(0, Math.min(buffer.length, this.#length - at));
    this.#eachPart(at, count, (number, from, to, done) => {
      const chunk = this.#chunks[number];
      if (chunk === undefined) buffer.fill(0, done, done + to - from);
      else buffer.set(chunk.subarray(from, to), done);
    });
    return count;
  }

  write(bytes: Uint8Array, at: number): void {
    this.#eachPart(at, bytes.length, (number, from, to, done) => {
      const chunk = (this.#chunks[number] ??= new Uint8Array(this.size));
      chunk.set(bytes.subarray(done, done + to - from), from);
      this.#dirty.add(number);
    });
    this.#length = Math.max(this.#length, at + bytes.length);
    this.#isChanged = true;
  }

  truncate(length: number): void {
    if (length < this.#length) {
      const kept = Math.ceil(length / this.size);
      this.#chunks.length = Math.min(this.#chunks.length, kept);
      for (const number of this.#dirty) if (number >= kept) this.#dirty.delete(number);
      this.#removedFrom = Math.min(this.#removedFrom ?? kept, kept);
      const last = this.#chunks[kept - 1];
      if (last !== undefined && length % this.size > 0) {
        last.fill(0, length % this.size);
        this.#dirty.add(kept - 1);
      }
    }
    this.#length = length;
    this.#isChanged = true;
  }

  /** What has changed since this was last asked. The buffers are those of the file: use them before it changes again. */
  takeChanges(): Changes {
    const written = [...this.#dirty].sort((a, b) => a - b).map((number) => [number, this.#chunks[number]!.buffer] as const);
    const changes = { length: this.#length, removedFrom: this.#removedFrom, written };
    this.#dirty.clear();
    this.#removedFrom = undefined;
    this.#isChanged = false;
    return changes;
  }

  #eachPart(at: number, count: number, work: (number: number, from: number, to: number, done: number) => void): void {
    for (let done = 0; done < count; ) {
      const from = (at + done) % this.size;
      const to = Math.min(this.size, from + count - done);
      work((at + done - from) / this.size, from, to, done);
      done += to - from;
    }
  }
}
