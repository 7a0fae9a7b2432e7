/** So many systemic faults in a row, and the plug-in is left alone for a while. */
const PATIENCE = 3;
const FIRST_REST_MS = 5_000;
const LONGEST_REST_MS = 60_000;

/**
 * Spares a plug-in that cannot work now (a server that is down, a call that never returns), and all files the time of
 * finding that out again and again. Any answer ends it.
 */
export class PluginRest {
  private faults = 0;
  private until = 0;
  private since: number | null = null;

  constructor(private readonly now: () => number) {}

  /** Milliseconds until it is tried again; 0 when it is not at rest. */
  get remainingMs(): number {
    return Math.max(0, this.until - this.now());
  }

  /** When the first fault in a row came (ms), once it is being left alone; null while it works. */
  get failingSinceMs(): number | null {
    return this.faults >= PATIENCE ? this.since : null;
  }

  noteSystemicFault(): void {
    this.faults += 1;
    this.since ??= this.now();
    if (this.faults >= PATIENCE) {
      this.until = this.now() + Math.min(FIRST_REST_MS * 2 ** (this.faults - PATIENCE), LONGEST_REST_MS);
    }
  }

  noteAnswer(): void {
    this.faults = 0;
    this.until = 0;
    this.since = null;
  }
}
