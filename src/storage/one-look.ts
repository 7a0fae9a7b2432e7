import { withTimeLimit } from '../kernel/time-limit.js';

/**
 * Looks at something that may hang, such as a dead network mount: one look at a time, each caller gets the answer of a look
 * that began after the call, and none waits longer than the limit. A look that hangs holds one thread of libuv's pool, which
 * all file access shares, however often it is asked for.
 */
export class OneLook<T> {
  private current: Promise<T> | undefined;
  private next: Promise<T> | undefined;

  constructor(
    private readonly take: () => Promise<T>,
    private readonly limitMs: number,
  ) {}

  /** @throws what the look throws, or an Error that there is no answer within the limit */
  look(): Promise<T> {
    if (this.current === undefined) {
      return withTimeLimit(this.begin(), this.limitMs);
    }
    this.next ??= this.current.then(
      () => this.begin(),
      () => this.begin(),
    );
    return withTimeLimit(this.next, this.limitMs);
  }

  private begin(): Promise<T> {
    this.next = undefined;
    const look = this.take().finally(() => {
      if (this.current === look) {
        this.current = undefined;
      }
    });
    this.current = look;
    return look;
  }
}
