import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { messageOf, StationError } from '../../kernel/errors.js';
import { withTimeLimit } from '../../kernel/time-limit.js';
import { type BullBackend, type BullQueue, type BullWorker, JOB_OPTIONS } from './bull-backend.js';
import type { JobHandler, QueueJob, QueueName, WorkQueue } from './work-queue.port.js';

/** Longest time that a caller waits for the queue server before it goes on without. */
const ADD_TIMEOUT_MS = 5000;
/** After a failed call the server is taken for gone this long, though it may look reachable. */
const TRUST_AGAIN_MS = 3000;
/** Between the failure of a worker and its successor. */
const REPLACE_AFTER_MS = 1000;

/** The queue port on BullMQ 6, whichever server is below. */
export class BullWorkQueue implements WorkQueue {
  private readonly logger = new Logger(BullWorkQueue.name);
  private readonly queues = new Map<QueueName, BullQueue>();
  private readonly workers = new Set<BullWorker>();
  private readonly stopping = new AbortController();
  private addFailedAt = 0;

  constructor(private readonly backend: BullBackend) {}

  get kind(): 'postgres' | 'redis' {
    return this.backend.kind;
  }

  isAvailable(): boolean {
    return this.backend.isReachable() && Date.now() - this.addFailedAt > TRUST_AGAIN_MS;
  }

  async add(name: QueueName, jobs: readonly QueueJob[]): Promise<void> {
    if (jobs.length === 0) {
      return;
    }
    const entries = jobs.map((job) => ({
      name,
      data: job.data,
      opts: { ...JOB_OPTIONS, jobId: job.id, ...(job.priority === undefined ? {} : { priority: job.priority }) },
    }));
    try {
      await withTimeLimit(this.queue(name).addBulk(entries), ADD_TIMEOUT_MS);
      this.addFailedAt = 0;
    } catch (error) {
      this.addFailedAt = Date.now();
      throw new StationError(
        'unavailable',
        'QUEUE_UNAVAILABLE',
        'The queue server does not answer; work goes on without.',
        {
          cause: error,
        },
      );
    }
  }

  consume(name: QueueName, options: { concurrency: number }, handle: JobHandler): void {
    void this.keepWorking(name, options.concurrency, handle);
  }

  /**
   * A worker whose server died while it was getting ready never recovers: BullMQ keeps the failure, and its loop turns
   * without ever giving the event loop a turn. So it runs only once it is ready, and is replaced when that fails.
   */
  private async keepWorking(name: QueueName, concurrency: number, handle: JobHandler): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const worker = this.backend.openWorker(name, (job) => this.process(name, job, handle), concurrency);
      worker.on('error', (error) => this.logger.debug(`queue ${name}: ${messageOf(error)}`));
      this.workers.add(worker);
      try {
        await worker.waitUntilReady();
        await worker.run();
        return;
      } catch (error) {
        this.logger.debug(`queue ${name}: a worker is replaced: ${messageOf(error)}`);
      }
      this.workers.delete(worker);
      void quietly(worker.close());
      await pause(REPLACE_AFTER_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async depth(name: QueueName): Promise<number> {
    const counts = await withTimeLimit(
      this.queue(name).getJobCounts('wait', 'prioritized', 'delayed'),
      ADD_TIMEOUT_MS,
    ).catch((error: unknown) => {
      this.addFailedAt = Date.now();
      throw error;
    });
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  async stopConsuming(): Promise<void> {
    this.stopping.abort();
    const workers = [...this.workers];
    this.workers.clear();
    await Promise.all(workers.map((worker) => quietly(worker.close())));
  }

  async close(): Promise<void> {
    await this.stopConsuming();
    await Promise.all([...this.queues.values()].map((queue) => quietly(queue.close())));
    this.queues.clear();
    await this.backend.close();
  }

  private async process(name: QueueName, job: Job, handle: JobHandler): Promise<void> {
    try {
      await handle(job.data, this.stopping.signal);
    } catch (error) {
      this.logger.warn(`job ${job.id ?? '?'} of queue ${name} gave up: ${messageOf(error)}`);
    }
  }

  private queue(name: QueueName): BullQueue {
    let queue = this.queues.get(name);
    if (queue === undefined) {
      queue = this.backend.openQueue(name);
      queue.on('error', (error) => this.logger.debug(`queue ${name}: ${messageOf(error)}`));
      this.queues.set(name, queue);
      this.replaceIfNeverReady(name, queue);
    }
    return queue;
  }

  /** The same for a queue: it would answer every call with the failure of its first moment. */
  private replaceIfNeverReady(name: QueueName, queue: BullQueue): void {
    queue.waitUntilReady().catch(() => {
      if (this.queues.get(name) === queue) {
        this.queues.delete(name);
      }
      void quietly(queue.close());
    });
  }
}

/** A server that is already gone must not keep the station from stopping. */
async function quietly(promise: Promise<unknown>): Promise<void> {
  await withTimeLimit(promise, ADD_TIMEOUT_MS * 2).catch(() => undefined);
}
