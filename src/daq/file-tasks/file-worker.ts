import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Worker } from 'node:worker_threads';
import { StationError } from '../../kernel/errors.js';
import { workerUrl } from '../../platform/worker-url.js';
import type { FileWork, FileWorkResult } from './file-work.js';
import type { FileWorkReply } from './file-work-thread.js';

/** One thread that compresses and decompresses, one file at a time; it starts with the first one. */
@Injectable()
export class FileWorker implements OnApplicationShutdown {
  private worker: Worker | undefined;

  /** @throws StationError FILE_WORK_FAILED (retryable) when the thread or the file system fails. */
  run(work: FileWork): Promise<FileWorkResult> {
    const worker = (this.worker ??= this.start());
    return new Promise((resolve, reject) => {
      const fail = (message: string) => reject(failed(message));
      const onExit = () => fail('its thread ended');
      worker.once('message', (reply: FileWorkReply) => {
        worker.off('exit', onExit);
        if (reply.result === undefined) {
          fail(reply.error ?? 'unknown');
        } else {
          resolve(reply.result);
        }
      });
      worker.once('exit', onExit);
      worker.postMessage(work);
    });
  }

  /** What it was working on is begun anew by the next start. */
  async stop(): Promise<void> {
    await this.worker?.terminate();
  }

  onApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  private start(): Worker {
    const worker = new Worker(workerUrl(import.meta.url, './file-work-thread.js'), { name: 'dm-file-work' });
    worker.unref();
    worker.once('exit', () => {
      this.worker = undefined;
    });
    worker.on('error', () => undefined); // told by its exit
    return worker;
  }
}

function failed(message: string): StationError {
  return new StationError('unavailable', 'FILE_WORK_FAILED', `The file could not be worked on: ${message}`);
}
