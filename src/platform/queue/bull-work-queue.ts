import { Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { messageOf, StationError } from '../../kernel/errors.js';
import { type BullBackend, type BullQueue, type BullWorker, JOB_OPTIONS } from './bull-backend.js';
import type { JobHandler, QueueJob, QueueName, WorkQueue } from './work-queue.port.js';

/** Longest time that a caller waits for the queue server before it goes on without. */
const ADD_TIMEOUT_MS = 5000;
/** After a failed call the server is taken for gone this long, though it may look reachable. */
const TRUST_AGAIN_MS = 3000;

/** The queue port on BullMQ 6, whichever server is below. */
export class BullWorkQueue implements WorkQueue {
  private readonly logger = new Logger(BullWorkQueue.name);
  private readonly queues = new Map<QueueName, BullQueue>();
  private readonly workers: BullWorker[] = [];
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
      await withTimeout(this.queue(name).addBulk(entries), ADD_TIMEOUT_MS);
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
    const worker = this.backend.openWorker(name, (job) => this.process(name, job, handle), options.concurrency);
    worker.on('error', (error) => this.logger.debug(`queue ${name}: ${messageOf(error)}`));
    this.workers.push(worker);
  }

  async depth(name: QueueName): Promise<number> {
    const counts = await this.queue(name).getJobCounts('wait', 'active', 'prioritized', 'delayed');
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  async stopConsuming(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.workers.splice(0).map((worker) => quietly(worker.close())));
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
    }
    return queue;
  }
}

async function withTimeout<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => undefined);
  }
}

/** A server that is already gone must not keep the station from stopping. */
async function quietly(promise: Promise<unknown>): Promise<void> {
  await withTimeout(promise, ADD_TIMEOUT_MS * 2).catch(() => undefined);
}
