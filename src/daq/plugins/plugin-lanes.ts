/**
 * How many batches may be inside optional plug-ins at once. A batch in a slow plug-in holds one of the workers' lanes;
 * were there no bound, a plug-in that hangs would soon hold them all, and nothing would be copied any more.
 */
export class PluginLanes {
  private free: number;
  private readonly waiting: ((entered: boolean) => void)[] = [];

  constructor(capacity: number) {
    this.free = capacity;
  }

  /** Answers false when no lane became free in time; after true, call `leave` once. */
  async enter(waitMs: number): Promise<boolean> {
    if (this.free > 0) {
      this.free -= 1;
      return true;
    }
    return new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(settle), 1);
        resolve(false);
      }, waitMs);
      const settle = (entered: boolean) => {
        clearTimeout(timer);
        resolve(entered);
      };
      this.waiting.push(settle);
    });
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) {
      this.free += 1;
    } else {
      next(true);
    }
  }
}
