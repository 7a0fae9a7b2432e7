import { INITIAL_STATE, LANES, LAYOUT, md5Module, SINE_WORDS } from './md5-module.js';
import { BLOCK_BYTES, type Extent, type MultiDigest, type StreamPart } from './multi-digest.port.js';
import { compile, instantiate, isSharedMemory, sharedMemory, type SharedMemory } from './web-assembly.js';

/** What the module needs lies before; the contents begin at a page. */
const CONTENT = 4096;
/** 1 GiB: memories may have any size up to it. */
const MAXIMUM_PAGES = 16_384;

/** Compiled once per thread, when the first digest is opened. */
let compiled: object | undefined;

export interface LaneStream {
  state: Uint32Array;
  bytes: number;
}

/** What runs in a lane: so many blocks, from an address on. */
interface Job {
  state: Uint32Array;
  pointer: number;
  blocks: number;
}

/** MD5 of up to eight contents side by side, by the module of `md5-module.ts`. */
export class Md5Lanes implements MultiDigest<LaneStream> {
  readonly memory: Buffer;
  private readonly words: Uint32Array;
  private readonly kernels: readonly { lanes: number; run: (blocks: number) => void }[];

  private constructor(readonly shared: SharedMemory) {
    this.memory = Buffer.from(shared.buffer, CONTENT);
    this.words = new Uint32Array(shared.buffer, 0, CONTENT / 4);
    this.words.set(SINE_WORDS, LAYOUT.SINES / 4);
    compiled ??= compile(md5Module(1, MAXIMUM_PAGES));
    const exported = instantiate(compiled, shared);
    this.kernels = [1, 2, 4, LANES].flatMap((lanes) => {
      const run = exported[`advance${lanes}`];
      return run === undefined ? [] : [{ lanes, run }];
    });
  }

  /** @throws where WebAssembly or its vectors are missing */
  static ofSize(contentBytes: number): Md5Lanes {
    return new Md5Lanes(sharedMemory(CONTENT + contentBytes));
  }

  static over(memory: object): Md5Lanes | undefined {
    return isSharedMemory(memory) ? new Md5Lanes(memory) : undefined;
  }

  digest(extents: readonly Extent[]): string[] {
    return this.finish(extents.map(({ offset, length }) => ({ stream: this.open(), offset, length })));
  }

  open(): LaneStream {
    return { state: Uint32Array.from(INITIAL_STATE), bytes: 0 };
  }

  advance(parts: readonly StreamPart<LaneStream>[]): void {
    const jobs = parts.map(({ stream, offset, length }) => {
      stream.bytes += length;
      return { state: stream.state, pointer: CONTENT + offset, blocks: length / BLOCK_BYTES };
    });
    this.run(jobs.filter((job) => job.blocks > 0));
  }

  finish(parts: readonly StreamPart<LaneStream>[]): string[] {
    const jobs = parts.map(({ stream, offset, length }) => ({
      state: stream.state,
      pointer: CONTENT + offset,
      blocks: this.pad(offset, length, stream.bytes + length) / BLOCK_BYTES,
    }));
    this.run([...jobs]);
    return jobs.map(({ state }) => hexOf(state));
  }

  /** Padding of RFC 1321, 3.1 and 3.2, right behind the content; answers the length with it. */
  private pad(offset: number, length: number, totalBytes: number): number {
    const padded = Math.ceil((length + 9) / BLOCK_BYTES) * BLOCK_BYTES;
    const lengthAt = offset + padded - 8;
    this.memory[offset + length] = 0x80;
    this.memory.fill(0, offset + length + 1, lengthAt);
    this.memory.writeUInt32LE((totalBytes * 8) % 2 ** 32, lengthAt);
    this.memory.writeUInt32LE(Math.floor(totalBytes / 2 ** 29), lengthAt + 4);
    return padded;
  }

  /** Keeps the lanes filled; the longest come first, so that no long one is left alone at the end. */
  private run(jobs: Job[]): void {
    jobs.sort((one, other) => one.blocks - other.blocks);
    const active: Job[] = [];
    for (;;) {
      while (active.length < LANES && jobs.length > 0) {
        const job = jobs.pop() as Job;
        this.enter(active.length, job);
        active.push(job);
      }
      if (active.length === 0) {
        return;
      }
      const blocks = active.reduce((least, job) => Math.min(least, job.blocks), Infinity);
      this.step(active, blocks);
      for (let lane = active.length - 1; lane >= 0; lane -= 1) {
        const job = active[lane] as Job;
        job.blocks -= blocks;
        if (job.blocks === 0) {
          this.leave(lane, job);
          this.moveLast(active, lane);
        }
      }
    }
  }

  private step(active: readonly Job[], blocks: number): void {
    const kernel = this.kernels.find(({ lanes }) => lanes >= active.length);
    for (let lane = active.length; lane < LANES; lane += 1) {
      // A lane without a content reads along with the first one; nobody looks at its result.
      this.words[LAYOUT.POINTERS / 4 + lane] = this.words[LAYOUT.POINTERS / 4] ?? 0;
    }
    kernel?.run(blocks);
  }

  private enter(lane: number, job: Job): void {
    this.words[LAYOUT.POINTERS / 4 + lane] = job.pointer;
    for (let word = 0; word < 4; word += 1) {
      this.words[stateIndex(lane, word)] = job.state[word] ?? 0;
    }
  }

  private leave(lane: number, job: Job): void {
    for (let word = 0; word < 4; word += 1) {
      job.state[word] = this.words[stateIndex(lane, word)] ?? 0;
    }
  }

  /** The lanes in use are always the first ones. */
  private moveLast(active: Job[], into: number): void {
    const last = active.pop() as Job;
    const from = active.length;
    if (from === into) {
      return;
    }
    active[into] = last;
    this.words[LAYOUT.POINTERS / 4 + into] = this.words[LAYOUT.POINTERS / 4 + from] ?? 0;
    for (let word = 0; word < 4; word += 1) {
      this.words[stateIndex(into, word)] = this.words[stateIndex(from, word)] ?? 0;
    }
  }
}

function stateIndex(lane: number, word: number): number {
  return LAYOUT.STATE / 4 + 16 * (lane >> 2) + 4 * word + (lane & 3);
}

function hexOf(state: Uint32Array): string {
  return Buffer.from(state.buffer).toString('hex');
}
