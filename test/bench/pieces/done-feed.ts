import { createParser } from 'eventsource-parser';
import { BenchProblem } from './bench-problem.ts';
import type { BenchStation } from './station.ts';

interface FeedEvent {
  type: string;
  subject: string;
  data: { count?: number; status?: string; errorMessage?: string | null };
}

interface Progress {
  done: number;
  /** When the count last grew, by the clock of `performance.now()`. */
  lastDoneAt: number;
  /** Status in which the acquisition ended, once it has. */
  ended?: string;
}

/** No file for this long means that none will come. */
const STALL_LIMIT_MS = 120_000;

/**
 * Follows the station's own event feed, as a client that waits for its data would: without asking again and again, which
 * would cost the station what is to be measured.
 */
export class DoneFeed {
  private readonly progress = new Map<string, Progress>();
  private readonly listeners = new Set<() => void>();
  private failure: string | undefined;

  static async open(station: BenchStation): Promise<DoneFeed> {
    const feed = new DoneFeed();
    const response = await station.open('/api/v1/events?types=files.done,acquisition.finished', {});
    void feed.read(response);
    return feed;
  }

  /** When the last of `files` files of the acquisition became done. @throws BenchProblem when that does not happen. */
  async lastDone(acquisition: string, files: number): Promise<number> {
    await this.until(acquisition, (progress) => progress.done >= files);
    return this.of(acquisition).lastDoneAt;
  }

  async ended(acquisition: string): Promise<string> {
    await this.until(acquisition, (progress) => progress.ended !== undefined);
    return this.of(acquisition).ended ?? '';
  }

  private async until(acquisition: string, isReached: (progress: Progress) => boolean): Promise<void> {
    while (!isReached(this.of(acquisition))) {
      const progress = this.of(acquisition);
      if (this.failure !== undefined) {
        throw new BenchProblem(`The event feed broke: ${this.failure}`);
      }
      if (progress.ended !== undefined) {
        throw new BenchProblem(`The acquisition ended (${progress.ended}) with ${progress.done} files done.`);
      }
      if (!(await this.grows())) {
        throw new BenchProblem(`Nothing became done for ${STALL_LIMIT_MS / 1000} s; ${progress.done} files are.`);
      }
    }
  }

  private grows(): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (hasGrown: boolean) => {
        clearTimeout(timer);
        this.listeners.delete(onGrowth);
        resolve(hasGrown);
      };
      const onGrowth = () => finish(true);
      const timer = setTimeout(() => finish(false), STALL_LIMIT_MS);
      this.listeners.add(onGrowth);
    });
  }

  private of(acquisition: string): Progress {
    const known = this.progress.get(acquisition) ?? { done: 0, lastDoneAt: NaN };
    this.progress.set(acquisition, known);
    return known;
  }

  private async read(response: Response): Promise<void> {
    const parser = createParser({ onEvent: (event) => this.take(JSON.parse(event.data) as FeedEvent) });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
      }
      this.failure = 'the station closed it';
    } catch (error) {
      this.failure = error instanceof Error ? error.message : 'for an unknown reason';
    }
    this.announce();
  }

  private take(event: FeedEvent): void {
    const progress = this.of(event.subject);
    if (event.type === 'files.done') {
      progress.done += event.data.count ?? 0;
      progress.lastDoneAt = performance.now();
    } else {
      progress.ended = [event.data.status, event.data.errorMessage].filter(Boolean).join(': ');
    }
    this.announce();
  }

  private announce(): void {
    [...this.listeners].forEach((listener) => listener());
  }
}
