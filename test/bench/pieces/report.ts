import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Machine } from './machine.ts';

/** What every bench writes; the names in the flat objects say what they are and in which unit. */
export interface Report {
  bench: string;
  finishedAt: string;
  seconds: number;
  figures: Record<string, number>;
  /** Our wall time over theirs, ratio of the medians: below 1 the station is faster. */
  ratios: Record<string, number>;
  /** Smallest and largest of the ratios of the single rounds. */
  ratioSpreads: Record<string, { min: number; max: number }>;
  peers: Record<string, string>;
  machine: Machine;
  settings: Record<string, string | number>;
  /** Seconds of each run, by what was copied and by whom. */
  runs: Record<string, Record<string, number[]>>;
}

/** `DM_DATA_DIR/bench`; the data directory is that of `npm start` unless told otherwise. */
export function benchDirectory(): string {
  const root = resolve(import.meta.dirname, '..', '..', '..');
  return join(resolve(root, process.env['DM_DATA_DIR'] ?? '.dm'), 'bench');
}

/** Whole or not at all. Figures get four significant digits: more would be noise. */
export function writeReport(report: Report): string {
  const file = join(benchDirectory(), `${report.bench}.json`);
  mkdirSync(dirname(file), { recursive: true });
  const text = JSON.stringify(
    report,
    (_key, value: unknown) => (typeof value === 'number' ? rounded(value) : value),
    2,
  );
  writeFileSync(`${file}.part`, `${text}\n`);
  renameSync(`${file}.part`, file);
  return file;
}

function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}

/** Columns as wide as their longest cell; the first is text, the others are figures. In Markdown's form, for the README. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(1, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}
