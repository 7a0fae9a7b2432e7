import { Logger } from '@nestjs/common';
import { messageOf } from '../../kernel/errors.js';

/** Waits after a failed turn: doubles from this up to the idle time's thirtyfold. */
const FIRST_RETRY_MS = 100;

/**
 * Runs `turn` again and again, one at a time: at once while it answers true (there is more), else when woken or after
 * `idleMs`. A turn that throws is logged and tried again with growing pauses. Stopping waits for the turn under way.
 */
export class WakeableLoop {
  private readonly logger = new Logger(WakeableLoop.name);
  private running: Promise<void> | undefined;
  private stopping = false;
  private woken = false;
  private wakeUp: (() => void) | undefined;
  private failures = 0;

  constructor(
    private readonly name: string,
    private readonly idleMs: number,
    private readonly turn: () => Promise<boolean>,
  ) {}

  start(): void {
    if (this.running === undefined) {
      this.stopping = false;
      this.running = this.run();
    }
  }

  wake(): void {
    this.woken = true;
    this.wakeUp?.();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeUp?.();
    await this.running;
    this.running = undefined;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.woken = false;
      const more = await this.runTurn();
      if (more || this.stopping) {
        continue;
      }
      await this.pause();
    }
  }

  private async runTurn(): Promise<boolean> {
    try {
      const more = await this.turn();
      this.failures = 0;
      return more;
    } catch (error) {
      this.failures += 1;
      if (this.failures === 1 || this.failures % 20 === 0) {
        this.logger.warn(`${this.name}: ${messageOf(error)} (attempt ${this.failures})`);
      }
      return false;
    }
  }

  private async pause(): Promise<void> {
    const afterFailure = this.failures > 0;
    if (this.woken && !afterFailure) {
      return;
    }
    const waitMs = afterFailure
      ? Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.failures - 1, 10), this.idleMs * 30)
      : this.idleMs;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      // After a failure only stopping cuts the pause short, or a busy waker would turn the back-off into a hot loop.
      this.wakeUp = () => {
        if (!afterFailure || this.stopping) {
          clearTimeout(timer);
          resolve();
        }
      };
    });
    this.wakeUp = undefined;
  }
}
