import { formatBytes, formatCount, formatWholeSeconds, plural } from './format.js';
import type { TerminalOutput } from './io.js';

export interface Progress {
  filesDone: number;
  filesTotal: number;
  /** Nothing more will be found. Until then a share would fall again with each find, so that counts are shown alone. */
  isTotalKnown: boolean;
  bytesDone: number;
  bytesTotal: number;
  /** Still to come: less than the difference where some wait for a person. */
  bytesLeft: number;
  /** What to say while there is nothing to count. */
  note: string;
}

const BAR_WIDTH = 24;
/** Rates over the whole run lag and rates over one poll jump; an average over about ten polls reads well. */
const SMOOTHING = 0.2;

/** One line at the bottom of the terminal that is drawn over and over; silent where stderr is no terminal. */
export class ProgressBar {
  private last: { atMs: number; bytes: number } | undefined;
  private bytesPerSecond = 0;
  private isDrawn = false;

  constructor(private readonly output: TerminalOutput) {}

  update(progress: Progress, nowMs: number = Date.now()): void {
    if (this.output.isTTY !== true) {
      return;
    }
    this.measure(progress.bytesDone, nowMs);
    const width = Math.max(20, (this.output.columns || 80) - 1);
    this.output.write(`\r\x1b[K${progressLine(progress, this.bytesPerSecond).slice(0, width)}`);
    this.isDrawn = true;
  }

  /** Takes the line away, so that what follows stands on a clean one. */
  clear(): void {
    if (this.isDrawn) {
      this.output.write('\r\x1b[K');
      this.isDrawn = false;
    }
  }

  private measure(bytes: number, atMs: number): void {
    if (this.last !== undefined && atMs > this.last.atMs) {
      const rate = ((bytes - this.last.bytes) * 1000) / (atMs - this.last.atMs);
      this.bytesPerSecond = this.bytesPerSecond === 0 ? rate : SMOOTHING * rate + (1 - SMOOTHING) * this.bytesPerSecond;
    }
    this.last = { atMs, bytes };
  }
}

/** `[########----] 42 %  1,204/2,000 files  3.2/6.0 GB  120 MB/s  25 s left` */
export function progressLine(progress: Progress, bytesPerSecond: number): string {
  if (progress.filesTotal === 0) {
    return progress.note;
  }
  const rate = bytesPerSecond > 0 ? [`${formatBytes(bytesPerSecond)}/s`] : [];
  if (!progress.isTotalKnown) {
    const found = `${formatCount(progress.filesDone)} of ${plural(progress.filesTotal, 'file')} found so far`;
    return [found, formatBytes(progress.bytesDone), ...rate].join('  ');
  }
  const share = fractionOf(progress);
  const filled = Math.round(share * BAR_WIDTH);
  const parts = [
    `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %`,
    `${formatCount(progress.filesDone)}/${formatCount(progress.filesTotal)} files`,
    `${formatBytes(progress.bytesDone)}/${formatBytes(progress.bytesTotal)}`,
    ...rate,
  ];
  if (bytesPerSecond > 0) {
    parts.push(`${formatWholeSeconds(progress.bytesLeft / bytesPerSecond)} left`);
  }
  return parts.join('  ');
}

/** Bytes where there are any: a thousand small files say little about the one large one that is left. */
function fractionOf({ filesDone, filesTotal, bytesDone, bytesTotal }: Progress): number {
  const share = bytesTotal > 0 ? bytesDone / bytesTotal : filesDone / filesTotal;
  return Math.min(1, Math.max(0, share));
}
