import { appendFileSync, writeFileSync } from 'node:fs';

/** What happened when: printed, and kept in a file for whoever looks into a failure. */
export class Timeline {
  private readonly file: string;
  private readonly startedAt = performance.now();

  constructor(file: string) {
    this.file = file;
    writeFileSync(file, '');
  }

  /** Seconds since the start. */
  get now(): number {
    return (performance.now() - this.startedAt) / 1000;
  }

  say(message: string): void {
    const line = `${this.now.toFixed(2).padStart(8)}  ${message}`;
    appendFileSync(this.file, `${line}\n`);
    process.stderr.write(`${line}\n`);
  }
}
