/** Lets a few callers in at a time, a bounded number wait, and turns the rest away. */
export class BoundedGate {
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly capacity: number,
    private readonly maxWaiting: number,
  ) {}

  /** @throws what `refusal` makes, when too many wait already. */
  async run<T>(work: () => Promise<T>, refusal: () => Error): Promise<T> {
    if (this.inside >= this.capacity) {
      if (this.waiting.length >= this.maxWaiting) {
        throw refusal();
      }
      await new Promise<void>((enter) => this.waiting.push(enter));
    } else {
      this.inside += 1;
    }
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) {
        this.inside -= 1;
      } else {
        next();
      }
    }
  }
}
