import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { LatencyOptions } from './options.ts';

const FILES_PER_DIRECTORY = 500;

/** Writes small files at a steady rate, each in two goes, and remembers when each was complete. */
export class Detector {
  /** Time of day in ms at which the file was closed, by its path. */
  readonly completedAt = new Map<string, number>();
  /** How far behind its plan it fell at most, in ms: on a busy machine the rate is not what it says. */
  lateMs = 0;
  private readonly directory: string;
  private readonly options: LatencyOptions;

  constructor(directory: string, options: LatencyOptions) {
    this.directory = directory;
    this.options = options;
  }

  async write(): Promise<void> {
    const { filesPerSecond, seconds, fileBytes } = this.options;
    const half = Buffer.alloc(Math.ceil(fileBytes / 2), 7);
    const startedAt = performance.now();
    for (let at = 0; at < filesPerSecond * seconds; at += 1) {
      const due = startedAt + (at * 1000) / filesPerSecond;
      const wait = due - performance.now();
      if (wait > 0) {
        await pause(wait);
      }
      this.lateMs = Math.max(this.lateMs, performance.now() - due);
      this.writeOne(at, half);
    }
  }

  private writeOne(at: number, half: Buffer): void {
    const folder = `scan${Math.floor(at / FILES_PER_DIRECTORY)}`;
    mkdirSync(join(this.directory, folder), { recursive: true });
    const name = `${folder}/${at}.tif`;
    const fd = openSync(join(this.directory, name), 'w');
    writeSync(fd, half);
    writeSync(fd, half);
    closeSync(fd);
    this.completedAt.set(name, Date.now());
  }
}
