import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Worker } from 'node:worker_threads';
import { StationError } from '../../../kernel/errors.js';
import { withTimeLimit } from '../../../kernel/time-limit.js';
import { workerUrl } from '../../../platform/worker-url.js';
import type { DigestAnswer } from './digest.js';
import type { InspectionReply, InspectionRequest } from './inspection-worker.js';
import type { Look } from './look.js';
import type { WalkedFile } from './walk.js';

/** A thread that hangs in a dead mount cannot be ended; the station stops without it. */
const END_LIMIT_MS = 2000;

interface Waiting {
  resolve(reply: InspectionReply): void;
  reject(error: Error): void;
}

type Unnumbered<Request> = Request extends unknown ? Omit<Request, 'id'> : never;

/**
 * Looks at disks in one thread of its own with low priority: a slow or hanging disk holds up audits and nothing else.
 */
@Injectable()
export class Inspector implements OnApplicationShutdown {
  private worker: Worker | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private readonly cancelled = new Int32Array(new SharedArrayBuffer(4));
  private nextId = 1;
  private isClosed = false;

  async look(paths: readonly Uint8Array[]): Promise<Look[]> {
    return paths.length === 0 ? [] : ((await this.ask({ do: 'look', paths: [...paths] })).looks ?? []);
  }

  /** The next files of a walk, which the first call opens; null at its end. */
  async walk(
    walk: string,
    options: { root: Uint8Array; excluded: readonly Uint8Array[]; batchSize: number },
  ): Promise<WalkedFile[] | null> {
    return (await this.ask({ do: 'walk', walk, ...options })).walked ?? null;
  }

  async endWalk(walk: string): Promise<void> {
    if (this.worker !== undefined) {
      await this.ask({ do: 'walk-end', walk });
    }
  }

  async digest(
    path: Uint8Array,
    options: { wantsSha256: boolean; bytesPerSecond: number | null },
  ): Promise<DigestAnswer> {
    return (await this.ask({ do: 'digest', path, ...options })).digest ?? { kind: 'cancelled' };
  }

  /** Takes an earlier {@link cancel} back. To be called before it is read whether work is still wanted. */
  resume(): void {
    Atomics.store(this.cancelled, 0, 0);
  }

  /** Breaks off the digest under way, and those asked for until {@link resume}. */
  cancel(): void {
    Atomics.store(this.cancelled, 0, 1);
    Atomics.notify(this.cancelled, 0);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    this.cancel();
    const worker = this.worker;
    this.failAll(stopped());
    if (worker !== undefined) {
      await withTimeLimit(worker.terminate(), END_LIMIT_MS).catch(() => undefined);
    }
  }

  private ask(request: Unnumbered<InspectionRequest>): Promise<InspectionReply> {
    if (this.isClosed) {
      return Promise.reject(stopped());
    }
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker ??= this.startWorker();
      this.worker.postMessage({ id, ...request });
    });
  }

  private startWorker(): Worker {
    const worker = new Worker(workerUrl(import.meta.url, './inspection-worker.js'), {
      name: 'dm-audit',
      workerData: { cancelled: this.cancelled },
    });
    worker.unref();
    worker.on('message', (reply: InspectionReply) => {
      const waiting = this.waiting.get(reply.id);
      this.waiting.delete(reply.id);
      if (reply.error === undefined) {
        waiting?.resolve(reply);
      } else {
        waiting?.reject(new Error(reply.error));
      }
    });
    worker.once('error', (error: Error) => {
      this.failAll(error);
    });
    return worker;
  }

  private failAll(error: Error): void {
    this.worker = undefined;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    waiting.forEach((one) => one.reject(error));
  }
}

function stopped(): StationError {
  return new StationError(
    'unavailable',
    'AUDIT_STOPPED',
    'The station is stopping; the audit goes on at the next start.',
  );
}
