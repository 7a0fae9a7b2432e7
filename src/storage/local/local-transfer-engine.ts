import { Logger } from '@nestjs/common';
import { unlink } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { StationError } from '../../kernel/errors.js';
import { workerUrl } from '../../platform/worker-url.js';
import {
  ALL_CAPABILITIES,
  type Remains,
  type TransferEngine,
  type TransferOutcome,
  type TransferTask,
} from '../transfer-engine.port.js';
import type { ResolvedPermissions } from '../resolved-permissions.js';
import { NO_PERMISSIONS } from './arrival-permissions.js';
import { type PackedOutcomes, packTasks, unpackOutcomes } from './batch-messages.js';
import { temporaryOf } from './copy-attempt.js';

interface PendingBatch {
  tasks: readonly TransferTask[];
  resolve(outcomes: TransferOutcome[]): void;
  reject(error: Error): void;
}

/** Copies to a mounted storage area, in worker threads that each take one batch at a time. */
export class LocalTransferEngine implements TransferEngine {
  readonly capabilities = ALL_CAPABILITIES;
  private readonly logger = new Logger(LocalTransferEngine.name);
  private readonly waiting: PendingBatch[] = [];
  private readonly threads: CopyThread[] = [];
  private closed = false;

  constructor(
    private readonly threadCount: number,
    private readonly permissions: ResolvedPermissions = NO_PERMISSIONS,
  ) {}

  transfer(tasks: readonly TransferTask[]): Promise<TransferOutcome[]> {
    if (tasks.length === 0) {
      return Promise.resolve([]);
    }
    if (this.closed) {
      return Promise.reject(stopped());
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ tasks, resolve, reject });
      this.assign();
    });
  }

  async discard(remains: readonly Remains[]): Promise<void> {
    for (const one of remains) {
      await unlink(temporaryOf(one)).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.waiting.splice(0).forEach((pending) => pending.reject(stopped()));
    await Promise.all(this.threads.splice(0).map((thread) => thread.close()));
  }

  private assign(): void {
    while (this.waiting.length > 0) {
      const thread = this.threads.find((candidate) => candidate.isIdle()) ?? this.addThread();
      const next = thread === undefined ? undefined : this.waiting.shift();
      if (thread === undefined || next === undefined) {
        return;
      }
      thread.run(next);
    }
  }

  private addThread(): CopyThread | undefined {
    if (this.closed || this.threads.length >= this.threadCount) {
      return undefined;
    }
    const thread = new CopyThread(
      this.permissions,
      () => this.assign(),
      (error) => {
        // A thread that dies takes its batch with it; the ledger offers the batch again.
        this.logger.error(`a copying thread ended: ${error.message}`);
        this.threads.splice(this.threads.indexOf(thread), 1);
        this.assign();
      },
    );
    this.threads.push(thread);
    return thread;
  }
}

function stopped(): StationError {
  return new StationError(
    'unavailable',
    'TRANSFER_STOPPED',
    'The station is stopping; the files go on at the next start.',
  );
}

/**
 * A copying thread keeps no more than its batch; what it makes is garbage soon. A small young generation is collected as
 * cheaply as the default one, which takes 20 MB more of every thread. The old one must hold a batch of long paths.
 */
const HEAP = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 };

class CopyThread {
  private readonly worker: Worker;
  private current: PendingBatch | undefined;
  private whenIdle: (() => void) | undefined;

  constructor(permissions: ResolvedPermissions, onIdle: () => void, onDeath: (error: Error) => void) {
    this.worker = new Worker(workerUrl(import.meta.url, './copy-worker.js'), {
      name: 'dm-copy',
      resourceLimits: HEAP,
      workerData: permissions,
    });
    // An idle pool must not keep a process alive that has nothing else to do.
    this.worker.unref();
    this.worker.on('message', (outcomes: PackedOutcomes) => {
      this.settle((pending) => pending.resolve(unpackOutcomes(outcomes, pending.tasks)));
      onIdle();
    });
    const fail = (error: Error) => {
      this.settle((pending) => pending.reject(error));
      onDeath(error);
    };
    this.worker.once('error', fail);
    this.worker.once('exit', (code) => {
      if (this.current !== undefined) {
        fail(new Error(`exit code ${code} in the middle of a batch`));
      }
    });
  }

  isIdle(): boolean {
    return this.current === undefined;
  }

  run(pending: PendingBatch): void {
    this.current = pending;
    this.worker.ref();
    this.worker.postMessage(packTasks(pending.tasks));
  }

  /** Lets the batch under way finish: a copy cut short would only be done again. */
  async close(): Promise<void> {
    if (this.current !== undefined) {
      await new Promise<void>((resolve) => {
        this.whenIdle = resolve;
      });
    }
    await this.worker.terminate();
  }

  private settle(finish: (pending: PendingBatch) => void): void {
    const pending = this.current;
    this.current = undefined;
    this.worker.unref();
    if (pending !== undefined) {
      finish(pending);
    }
    this.whenIdle?.();
  }
}
