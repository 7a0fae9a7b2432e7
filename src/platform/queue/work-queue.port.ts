export type QueueName = 'transfer' | 'stage';

export interface QueueJob {
  /** Deterministic; no colon. Adding an id that still waits or runs changes nothing. */
  id: string;
  /** Ids and small facts, JSON-safe. */
  data: Record<string, unknown>;
  /** 1 comes first; without one a job comes before all that have one. */
  priority?: number;
}

export type JobHandler = (data: unknown, signal: AbortSignal) => Promise<void>;

/**
 * The queue port. Jobs are hints about work whose truth is in PostgreSQL: they may be lost, come late or come twice, so
 * - a handler claims the work in the database before it does it, and finding nothing to claim is normal;
 * - a handler that throws is logged and its job is dropped: whoever owns the work offers it again;
 * - `add` throws StationError QUEUE_UNAVAILABLE quickly when the server is gone, and its caller goes on without it.
 * Obligations of an adapter: `add` is atomic per call or safe to repeat; `close` lets running handlers finish.
 */
export interface WorkQueue {
  add(queue: QueueName, jobs: readonly QueueJob[]): Promise<void>;
  consume(queue: QueueName, options: { concurrency: number }, handle: JobHandler): void;
  isAvailable(): boolean;
  /** Number of jobs that wait for a worker. Those under way are not in it: a dead worker's job looks so for a while. */
  depth(queue: QueueName): Promise<number>;
  /** Stops taking jobs, aborts the signal of running ones, waits for their handlers. */
  stopConsuming(): Promise<void>;
  close(): Promise<void>;
  readonly kind: 'postgres' | 'redis';
}

export const QUEUE = Symbol('WorkQueue');
