import type { Field, Scalar } from './filter-ast.js';
import { refuse } from './filter.errors.js';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** An operand that equality understands. @throws StationError FILTER_VALUE_INVALID. */
export function parseScalar(field: Field, value: unknown, at: string): Scalar {
  if (field.kind === 'metadata') {
    return metadataScalar(value, at);
  }
  switch (field.type) {
    case 'number':
      return number(value, at);
    case 'text':
      return text(value, at);
    case 'time':
      return time(value, at);
  }
}

/** An operand that has an order. @throws StationError FILTER_VALUE_INVALID. */
export function parseOrdered(field: Field, value: unknown, at: string): string | number | Date {
  const scalar = parseScalar(field, value, at);
  if (typeof scalar === 'boolean') {
    throw refuse('FILTER_VALUE_INVALID', at, 'true and false have no order; use $eq or $ne.');
  }
  return scalar;
}

function metadataScalar(value: unknown, at: string): Scalar {
  if (typeof value === 'string' || typeof value === 'boolean') {
    return value;
  }
  if (typeof value === 'number') {
    return number(value, at);
  }
  throw refuse(
    'FILTER_VALUE_INVALID',
    at,
    'compare with a text, a number, true, false or null; look into objects by dotted fields (metadata.a.b).',
  );
}

function number(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw refuse('FILTER_VALUE_INVALID', at, 'this field takes a number.');
  }
  return value + 0;
}

function text(value: unknown, at: string): string {
  if (typeof value !== 'string' || !value.isWellFormed() || value.includes('\u0000')) {
    throw refuse('FILTER_VALUE_INVALID', at, 'this field takes a text without U+0000.');
  }
  return value;
}

function time(value: unknown, at: string): Date {
  const date = typeof value === 'string' && RFC_3339.test(value) ? new Date(value) : undefined;
  if (date === undefined || Number.isNaN(date.getTime())) {
    throw refuse('FILTER_VALUE_INVALID', at, 'this field takes an RFC 3339 time, such as "2026-11-20T08:15:30Z".');
  }
  return date;
}
