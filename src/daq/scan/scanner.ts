import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../../platform/worker-url.js';
import type { FilterOptions } from './file-filter.js';
import type { ScanReply, ScanRequest } from './scan-worker.js';
import type { ScanBatch } from '../source/source-tree.port.js';

const BATCH_SIZE = 1000;

interface Waiting {
  resolve(batch: ScanBatch | null): void;
  reject(error: Error): void;
}

/** Walks trees in one thread of its own, so that a slow disk or a huge directory never holds the event loop. */
@Injectable()
export class Scanner implements OnApplicationShutdown {
  private worker: Worker | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private nextScan = 1;

  async *scan(root: Buffer, filter: FilterOptions): AsyncGenerator<ScanBatch> {
    const scan = this.nextScan++;
    this.send({ kind: 'open', scan, root, filter, batchSize: BATCH_SIZE });
    try {
      // One batch ahead: the thread walks on while the caller works on the batch before.
      let next = this.next(scan);
      for (let batch = await next; batch !== null; batch = await next) {
        next = this.next(scan);
        next.catch(() => undefined);
        yield batch;
      }
    } finally {
      this.send({ kind: 'close', scan });
    }
  }

  async onApplicationShutdown(): Promise<void> {
    const worker = this.worker;
    this.worker = undefined;
    this.failAll(new Error('the station is stopping'));
    await worker?.terminate();
  }

  private next(scan: number): Promise<ScanBatch | null> {
    return new Promise((resolve, reject) => {
      this.waiting.set(scan, { resolve, reject });
      this.send({ kind: 'next', scan });
    });
  }

  private send(request: ScanRequest): void {
    this.worker ??= this.startWorker();
    this.worker.postMessage(request);
  }

  private startWorker(): Worker {
    const worker = new Worker(workerUrl(import.meta.url, './scan-worker.js'), { name: 'dm-scan' });
    worker.unref();
    worker.on('message', (reply: ScanReply) => {
      const waiting = this.waiting.get(reply.scan);
      this.waiting.delete(reply.scan);
      if (reply.error === undefined) {
        waiting?.resolve(reply.batch);
      } else {
        waiting?.reject(new Error(reply.error));
      }
    });
    worker.once('error', (error: Error) => {
      this.worker = undefined;
      this.failAll(error);
    });
    return worker;
  }

  private failAll(error: Error): void {
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    waiting.forEach((one) => one.reject(error));
  }
}
