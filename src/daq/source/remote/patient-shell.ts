import { StationError } from '../../../kernel/errors.js';
import type { Field, Shell } from '../../../storage/index.js';

/**
 * The scripts of one source tree on its host: each answer comes within the time limit, portion by portion. After a silence
 * nothing is asked for as long again, since every call that hangs there holds a session of the connection.
 */
export class PatientShell {
  private readonly underWay = new Set<AbortController>();
  private silentUntil = 0;
  private isClosed = false;

  constructor(
    /** Asked anew for each call. @throws StationError HOST_UNKNOWN */
    private readonly shell: () => Shell,
    private readonly limitMs: number,
  ) {}

  get isBusy(): boolean {
    return this.underWay.size > 0;
  }

  async run(script: string, fields: readonly Field[]): Promise<Buffer[]> {
    const records: Buffer[] = [];
    for await (const portion of this.stream(script, fields)) {
      records.push(...portion);
    }
    return records;
  }

  async *stream(
    script: string,
    fields: readonly Field[],
    onComplaints: (text: string) => void = () => undefined,
  ): AsyncGenerator<Buffer[], void, void> {
    if (this.isClosed) {
      throw new Error('the source is closed');
    }
    if (performance.now() < this.silentUntil) {
      throw this.noAnswer();
    }
    const call = new AbortController();
    const portions = this.shell().stream(script, fields, onComplaints, call.signal);
    this.underWay.add(call);
    try {
      for (;;) {
        const step = await this.within(portions.next());
        if (step.done === true) {
          return;
        }
        yield step.value;
      }
    } finally {
      this.underWay.delete(call);
      // Ends what still runs there, when the caller has enough or nothing comes.
      call.abort();
      void portions.return().catch(() => undefined);
    }
  }

  close(): void {
    this.isClosed = true;
    this.underWay.forEach((call) => call.abort());
  }

  private within<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.silentUntil = performance.now() + this.limitMs;
        reject(this.noAnswer());
      }, this.limitMs);
      answer.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  private noAnswer(): StationError {
    return new StationError(
      'unavailable',
      'SOURCE_NO_ANSWER',
      `${this.shell().place} does not answer for ${this.limitMs / 1000} s. Check it and its file systems; the station goes on by itself when it answers.`,
    );
  }
}
