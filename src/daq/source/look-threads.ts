import { Worker } from 'node:worker_threads';
import { workerUrl } from '../../platform/worker-url.js';
import type { CloseLook } from './file-looks.js';
import { THREAD_HEAP } from './thread-heap.js';

export interface LookThreadData {
  root: Uint8Array;
  beats: SharedArrayBuffer;
}

export interface LookQuestion {
  id: number;
  paths: Uint8Array[];
}

export interface LookReply {
  id: number;
  looks: CloseLook[];
}

interface Waiting {
  resolve(looks: CloseLook[]): void;
  reject(error: Error): void;
}

/**
 * Looks at files in several threads at once, below the thread of a source on a file server. They end with that thread.
 * Node's own pool would do the same, but it is one for the whole process: a mount that hangs would fill it.
 */
export class LookThreads {
  private readonly workers: readonly Worker[];
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;

  constructor(root: Uint8Array, beats: SharedArrayBuffer, threads: number) {
    this.workers = Array.from({ length: threads }, () => this.start({ root, beats }));
  }

  close(): void {
    this.workers.forEach((worker) => void worker.terminate());
  }

  async lookAll(paths: readonly Uint8Array[]): Promise<CloseLook[]> {
    const share = Math.max(1, Math.ceil(paths.length / this.workers.length));
    const parts = this.workers.map((worker, at) => this.ask(worker, paths.slice(at * share, (at + 1) * share)));
    return (await Promise.all(parts)).flat();
  }

  private ask(worker: Worker, paths: Uint8Array[]): Promise<CloseLook[]> {
    if (paths.length === 0) {
      return Promise.resolve([]);
    }
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      worker.postMessage({ id, paths } satisfies LookQuestion);
    });
  }

  private start(data: LookThreadData): Worker {
    const worker = new Worker(workerUrl(import.meta.url, './look-thread-entry.js'), {
      name: 'dm-look',
      resourceLimits: THREAD_HEAP,
      workerData: data,
    });
    worker.on('message', (reply: LookReply) => {
      this.waiting.get(reply.id)?.resolve(reply.looks);
      this.waiting.delete(reply.id);
    });
    worker.once('error', (error: Error) => {
      this.waiting.forEach((one) => one.reject(error));
      this.waiting.clear();
      // The thread of the source ends with it, and begins anew.
      throw error;
    });
    return worker;
  }
}
