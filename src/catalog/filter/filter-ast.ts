import type { RegexNode } from './regex/regex-ast.js';

/**
 * A filter as both databases understand it. Two-valued: every node is true or false for a document, never unknown.
 * `and` of nothing is true, `or` of nothing false.
 */
export type Filter =
  | { kind: 'and'; parts: Filter[] }
  | { kind: 'or'; parts: Filter[] }
  | { kind: 'not'; part: Filter }
  | { kind: 'condition'; field: Field; test: Test };

export type Field = ColumnField | MetadataField;

/** A top-level field. It always exists and is never an array. */
export interface ColumnField {
  kind: 'column';
  name: ColumnName;
  type: 'text' | 'number' | 'time';
  isNullable: boolean;
}

/** Keys from the root of the metadata; arrays on the way are looked through, one level each. */
export interface MetadataField {
  kind: 'metadata';
  path: string[];
}

export type Scalar = string | number | boolean | Date;
export type Relation = 'gt' | 'gte' | 'lt' | 'lte';

/** What the value, or for an array one of its elements, must be. Values only match values of their own type. */
export type Test =
  | { op: 'exists' }
  | { op: 'null' }
  | { op: 'equals'; values: Scalar[] }
  | { op: 'compare'; relation: Relation; value: string | number | Date }
  | { op: 'matches'; pattern: RegexNode };

const column = (type: ColumnField['type'], isNullable = false) => ({ type, isNullable });

/** Top-level fields that a filter may name. */
export const COLUMNS = {
  path: column('text'),
  name: column('text'),
  sizeBytes: column('number'),
  md5Sum: column('text', true),
  version: column('number'),
  createdAt: column('time'),
  modifiedAt: column('time'),
  storedAt: column('time'),
  acquisitionId: column('text', true),
  jobId: column('text', true),
} as const;

export type ColumnName = keyof typeof COLUMNS;

export const EVERYTHING: Filter = { kind: 'and', parts: [] };
export const NOTHING: Filter = { kind: 'or', parts: [] };

export function not(part: Filter): Filter {
  return part.kind === 'not' ? part.part : { kind: 'not', part };
}

export function allOf(parts: Filter[]): Filter {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'and', parts };
}

export function anyOf(parts: Filter[]): Filter {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'or', parts };
}
