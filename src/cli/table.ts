import CliTable3 from 'cli-table3';
import { safeLine } from './safe-text.js';

export interface Column<Row> {
  title: string;
  value: (row: Row) => unknown;
  /** Numbers stand to the right. */
  align?: 'left' | 'right';
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const;
const PLAIN = { 'padding-left': 0, 'padding-right': 0, head: [], border: [] };

/** Aligned columns without borders: calm to read, and `awk` can still take them. One row is one line, always. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const drawn = new CliTable3({
    head: columns.map(({ title }) => title.toUpperCase()),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: NO_BORDERS,
    style: PLAIN,
  });
  drawn.push(...rows.map((row) => columns.map(({ value }) => safeLine(value(row)))));
  return trimLines(drawn.toString());
}

/** One object, a fact a line. Facts without a value are left out. */
export function facts(pairs: readonly (readonly [name: string, value: unknown])[]): string {
  const given = pairs.filter(([, value]) => value !== undefined && value !== null && value !== '');
  const width = Math.max(0, ...given.map(([name]) => name.length));
  return given.map(([name, value]) => `${name.padEnd(width)}  ${safeLine(value)}`).join('\n');
}

function trimLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
