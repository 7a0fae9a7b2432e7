import { closeSync, copyFileSync, openSync, readSync, fstatSync, statSync, truncateSync } from 'node:fs';

const LIMIT_BYTES = 10 * 1024 * 1024;
const CHECK_EVERY_MS = 30_000;

/**
 * The file that the server writes its messages to. The server holds it open itself (no pipe: it must not depend on the
 * station's life), for appending, so it can be emptied under its hands: at 10 MB the content moves to `<path>.1`.
 */
export class LogFile {
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly path: string) {}

  /** A descriptor for a child to write to; the caller closes it once the child has it. */
  open(): number {
    this.#rotate();
    this.#timer ??= setInterval(() => this.#rotate(), CHECK_EVERY_MS).unref();
    return openSync(this.path, 'a', 0o600);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Where the next message will begin, for `since`. */
  position(): number {
    try {
      return statSync(this.path).size;
    } catch {
      return 0;
    }
  }

  /** What was written after `position`, at most the last 4 KB: why a server did not start. */
  since(position: number): string {
    let file: number;
    try {
      file = openSync(this.path, 'r');
    } catch {
      return '';
    }
    try {
      const { size } = fstatSync(file);
      const from = Math.max(Math.min(position, size), size - 4096);
      const bytes = Buffer.alloc(size - from);
      return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, from)).trim();
    } finally {
      closeSync(file);
    }
  }

  #rotate(): void {
    try {
      if (statSync(this.path).size > LIMIT_BYTES) {
        copyFileSync(this.path, `${this.path}.1`);
        truncateSync(this.path, 0);
      }
    } catch {
      // There is none yet, or the disk is full; the log is the least important thing on it.
    }
  }
}
