import { createPostgresBackend, type Processor, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { QueueName } from './work-queue.port.js';

/** What the queue port uses of a BullMQ `Queue`, whichever backend types it. */
export type BullQueue = Pick<Queue, 'addBulk' | 'getJobCounts' | 'close' | 'waitUntilReady'> & ErrorSource;
/** What the queue port uses of a BullMQ `Worker`, which does nothing before `run`. */
export type BullWorker = Pick<Worker, 'close' | 'run' | 'waitUntilReady'> & ErrorSource;

interface ErrorSource {
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** What differs between BullMQ on PostgreSQL and on Redis. */
export interface BullBackend {
  readonly kind: 'postgres' | 'redis';
  openQueue(name: QueueName): BullQueue;
  openWorker(name: QueueName, process: Processor, concurrency: number): BullWorker;
  /** Whether the server answered last time, without asking it now. */
  isReachable(): boolean;
  close(): Promise<void>;
}

/** Jobs are hints (see the port): none is kept, none is tried twice. */
export const JOB_OPTIONS = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;

/**
 * How long a worker's lock on a job lasts without renewal. A batch of large files takes minutes, but the worker renews
 * while the event loop turns, and a job given to a second worker finds its rows claimed.
 */
const LOCK_MS = 60_000;

/**
 * BullMQ checks clients out of its pool without listening to their errors (while it migrates, above all); a server that
 * dies at that moment would take the station with it. The query under way fails all the same, and that is handled.
 */
class QueueClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}

export class PostgresBullBackend implements BullBackend {
  readonly kind = 'postgres';

  constructor(
    private readonly url: string,
    private readonly databaseIsAvailable: () => boolean,
  ) {}

  openQueue(name: QueueName): BullQueue {
    return new Queue(name, { connection: this.connection(4), defaultJobOptions: JOB_OPTIONS }, createPostgresBackend);
  }

  openWorker(name: QueueName, process: Processor, concurrency: number): BullWorker {
    const options = {
      connection: this.connection(2 + concurrency),
      concurrency,
      lockDuration: LOCK_MS,
      autorun: false,
    };
    return new Worker(name, process, options, createPostgresBackend);
  }

  isReachable(): boolean {
    return this.databaseIsAvailable();
  }

  async close(): Promise<void> {
    // The pools belong to the queues and workers that opened them.
  }

  private connection(max: number) {
    return {
      connectionString: this.url,
      max,
      schema: 'bullmq',
      migrate: true,
      application_name: 'dm-station queue',
      Client: QueueClient,
    };
  }
}

export class RedisBullBackend implements BullBackend {
  readonly kind = 'redis';
  private readonly producer: Redis;

  constructor(
    private readonly url: string,
    private readonly prefix: string,
  ) {
    // Adding must fail at once while Redis is away, so that the ledger takes over; a worker may wait for ever.
    this.producer = new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 1, connectTimeout: 5000 });
    this.producer.on('error', () => undefined);
  }

  openQueue(name: QueueName): BullQueue {
    return new Queue(name, { connection: this.producer, prefix: this.prefix, defaultJobOptions: JOB_OPTIONS });
  }

  openWorker(name: QueueName, process: Processor, concurrency: number): BullWorker {
    const connection = { url: this.url, maxRetriesPerRequest: null };
    return new Worker(name, process, {
      connection,
      prefix: this.prefix,
      concurrency,
      lockDuration: LOCK_MS,
      autorun: false,
    });
  }

  isReachable(): boolean {
    return this.producer.status === 'ready';
  }

  async close(): Promise<void> {
    this.producer.disconnect();
  }
}
