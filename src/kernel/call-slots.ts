/** So many calls at the same time as `limit` says at the moment; the others wait in their order. */
export class CallSlots {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly limit: () => number) {}

  async take(): Promise<void> {
    while (this.running >= this.limit()) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    this.running += 1;
  }

  give(): void {
    this.running -= 1;
    // All, since the limit may have grown; who finds no room waits again.
    this.waiting.splice(0).forEach((resume) => resume());
  }
}
