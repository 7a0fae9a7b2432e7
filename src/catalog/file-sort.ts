import { z } from 'zod';
import { decodeCursor, encodeCursor } from '../platform/http/index.js';
import { StationError } from '../kernel/errors.js';
import type { CatalogFile } from './catalog-file.js';

/** Fields that lists can be ordered by; all of them are always there. */
export const SORT_FIELDS = {
  storedAt: 'time',
  createdAt: 'time',
  modifiedAt: 'time',
  path: 'text',
  name: 'text',
  sizeBytes: 'number',
  version: 'number',
} as const;

export type SortField = keyof typeof SORT_FIELDS;

export interface FileSort {
  field: SortField;
  descending: boolean;
}

export const NEWEST_FIRST: FileSort = { field: 'storedAt', descending: true };

/** Reads `path`, `-sizeBytes`, … @throws StationError SORT_INVALID. */
export function parseSort(text: string): FileSort {
  const descending = text.startsWith('-');
  const field = descending ? text.slice(1) : text;
  if (!Object.hasOwn(SORT_FIELDS, field)) {
    throw new StationError(
      'invalid',
      'SORT_INVALID',
      `Sort by one of ${Object.keys(SORT_FIELDS).join(', ')}, with a dash in front for descending order.`,
    );
  }
  return { field: field as SortField, descending };
}

/** Where a page ended: the last file's value of the sort field, and its id. */
export interface FilePosition {
  value: string | number | Date;
  id: string;
}

const cursorSchema = z.object({
  s: z.string(),
  v: z.union([z.string(), z.number()]),
  i: z.string().regex(/^[0-9a-f]{24}$/),
});

export function cursorAfter(file: CatalogFile, sort: FileSort): string {
  return encodeCursor({ s: sortText(sort), v: file[sort.field], i: file.id });
}

/** @throws StationError CURSOR_INVALID, also for a cursor of another order. */
export function positionOf(cursor: string | undefined, sort: FileSort): FilePosition | undefined {
  const read = decodeCursor(cursor, cursorSchema);
  if (read === undefined) {
    return undefined;
  }
  const value = SORT_FIELDS[sort.field] === 'time' ? new Date(read.v) : read.v;
  const isFitting = value instanceof Date ? !Number.isNaN(value.getTime()) : typeof value === typeName(sort);
  if (read.s !== sortText(sort) || !isFitting) {
    throw new StationError('invalid', 'CURSOR_INVALID', 'This cursor belongs to another order; start without one.');
  }
  return { value, id: read.i };
}

function typeName(sort: FileSort): string {
  return SORT_FIELDS[sort.field] === 'number' ? 'number' : 'string';
}

function sortText(sort: FileSort): string {
  return `${sort.descending ? '-' : ''}${sort.field}`;
}
