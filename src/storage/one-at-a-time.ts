import { withTimeLimit } from '../kernel/time-limit.js';

/**
 * Does things that may hang, such as making a directory on a dead network mount, one after the other: what hangs holds
 * one thread of libuv's pool, which all file access shares, however often it is tried again. Nobody waits longer than the
 * limit.
 */
export class OneAtATime {
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly limitMs: number) {}

  /** @throws what the work throws, or an Error that there is no answer within the limit */
  do<T>(work: () => Promise<T>): Promise<T> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return withTimeLimit(done, this.limitMs);
  }
}
