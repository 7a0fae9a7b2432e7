import { statSync } from 'node:fs';
import { type CloseLook, lookAt, plainLook, readStart } from './file-looks.js';
import { lookForSource } from './local-presence.js';
import { LookThreads } from './look-threads.js';
import { removeFile, restoreFile } from './remove-file.js';
import { clockOf } from './source-clock.js';
import type { Delivery } from './scan-delivery.js';
import { type PackedScan, packScan } from './scan-messages.js';
import { deviceNumber } from './source-device.js';
import type { Presence, ScanRequest } from './source-tree.port.js';
import type { ServedSource, SourceQuestion } from './source-thread.protocol.js';
import { TreeWalk } from './tree-walk.js';

/** Looks at a file server wait for it, not for this machine: so many wait at a time. */
const LOOKS_AT_A_TIME = 4;

interface OpenPass {
  deliveries: AsyncGenerator<Delivery>;
  /** Handed out, not yet known to be taken. */
  pending: Delivery[];
  taken: number;
}

/** Answers the questions about one source, in the thread that serves it. */
export class SourceAnswers {
  private readonly root: Buffer;
  private readonly counter: Int32Array;
  private readonly passes = new Map<number, OpenPass>();
  private lookThreads: LookThreads | undefined;
  private walk: TreeWalk;
  /** Number of the file system that the source was on when it was last looked whether it is there. */
  private device: string | undefined;

  /** `beats`: counts every answer of the file system. */
  constructor(
    private readonly source: ServedSource,
    private readonly beats: SharedArrayBuffer,
  ) {
    this.root = Buffer.from(source.root);
    this.counter = new Int32Array(beats);
    this.walk = this.newWalk();
  }

  async answer(question: Exclude<SourceQuestion, { kind: 'serve' }>): Promise<unknown> {
    switch (question.kind) {
      case 'presence':
        return this.presence(question.knownDevice);
      case 'look':
        return this.unlessRemounted((await this.lookAtMany(question.paths)).map(plainLook));
      case 'read':
        return readStart(this.root, question.path, question.limit);
      case 'clock':
        return clockOf(this.root, this.source.mountInfo);
      case 'remove':
        return removeFile(this.root, question.path, question.identity);
      case 'restore':
        restoreFile(this.root, question.path, question.identity);
        return null;
      case 'next':
        return this.next(question.scan, question.request, question.taken);
      case 'forget':
        this.walk = this.newWalk();
        return null;
      case 'close':
        return this.close(question.scan, question.taken);
    }
  }

  /** The thread serves another source from now on. */
  end(): void {
    this.lookThreads?.close();
  }

  /** Over a network a look takes a thousand times longer and costs this machine nothing: several go at a time. */
  private presence(knownDevice: string | null): Presence {
    const { places, mountInfo } = this.source;
    const presence = lookForSource(this.root, knownDevice, places, mountInfo);
    this.device = presence.isThere ? deviceNumber(presence.device) : undefined;
    if (presence.isThere && presence.fileSystem.isShared) {
      this.lookThreads ??= new LookThreads(this.root, this.beats, LOOKS_AT_A_TIME);
    }
    return presence;
  }

  /**
   * A mount may go between two looks whether the source is there, and the files below its mount point are not of the
   * source: the next look tells what is to be thought of it.
   */
  private unlessRemounted<Answer>(answer: Answer): Answer {
    const device = statSync(this.root, { bigint: true, throwIfNoEntry: false })?.dev.toString();
    this.beat();
    if (this.device !== undefined && device !== undefined && device !== this.device) {
      throw new Error('the source is on another file system than a moment ago');
    }
    return answer;
  }

  private lookAtMany(paths: readonly Uint8Array[]): CloseLook[] | Promise<CloseLook[]> {
    if (this.lookThreads !== undefined) {
      return this.lookThreads.lookAll(paths);
    }
    return paths.map((path) => {
      const look = lookAt(this.root, path);
      this.beat();
      return look;
    });
  }

  private async next(scan: number, request: ScanRequest, taken: number): Promise<PackedScan | null> {
    const pass = this.passes.get(scan) ?? {
      deliveries: this.walk.pass(inBuffers(request)),
      pending: [],
      taken: 0,
    };
    this.passes.set(scan, pass);
    for (; pass.taken < taken; pass.taken += 1) {
      pass.pending.shift()?.taken();
    }
    const step = this.unlessRemounted(await pass.deliveries.next());
    if (step.done === true) {
      return null;
    }
    pass.pending.push(step.value);
    return packScan(step.value.batch);
  }

  private async close(scan: number, taken: number): Promise<null> {
    const pass = this.passes.get(scan);
    pass?.pending.slice(0, taken - pass.taken).forEach((delivery) => delivery.taken());
    this.passes.delete(scan);
    await pass?.deliveries.return(undefined);
    return null;
  }

  private newWalk(): TreeWalk {
    return new TreeWalk({
      root: this.root,
      batchSize: this.source.batchSize,
      lookAtAll: (paths) => this.lookAtMany(paths),
      beat: () => this.beat(),
      nowMs: () => performance.now(),
    });
  }

  private beat(): void {
    Atomics.add(this.counter, 0, 1);
  }
}

/** Messages between threads carry buffers as plain arrays of bytes. */
function inBuffers(request: ScanRequest): ScanRequest {
  return request.only === undefined ? request : { ...request, only: request.only.map((path) => Buffer.from(path)) };
}
