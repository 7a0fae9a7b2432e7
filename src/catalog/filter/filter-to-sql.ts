import { hash } from 'node:crypto';
import { type ColumnField, type ColumnName, type Filter, type Relation, type Scalar, type Test } from './filter-ast.js';
import { testToJsonPath } from './filter-to-jsonpath.js';
import { POSTGRES_REGEX, printRegex } from './regex/print-regex.js';

/** Collects the parameters of one SQL statement; `add` answers the placeholder. */
export class SqlParameters {
  readonly values: unknown[] = [];

  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

const COLUMN_OF: Record<ColumnName, string> = {
  path: 'path',
  name: 'name',
  sizeBytes: 'size_bytes',
  md5Sum: 'md5_sum',
  version: 'version',
  createdAt: 'created_at',
  modifiedAt: 'modified_at',
  storedAt: 'stored_at',
  acquisitionId: 'acquisition_id',
  jobId: 'job_id',
};

const RELATIONS: Record<Relation, string> = { gt: '>', gte: '>=', lt: '<', lte: '<=' };
const MAX_BIGINT = 2n ** 63n - 1n;

/** What keys a file version: its path may be longer than an index entry, its digest is not. */
export function pathHash(path: string): Buffer {
  return hash('sha256', path, 'buffer');
}

/** A boolean SQL expression over `catalog_file`; every value travels as a parameter. */
export function filterToSql(filter: Filter, parameters: SqlParameters): string {
  switch (filter.kind) {
    case 'and':
      return joined(filter.parts, 'AND', 'true', parameters);
    case 'or':
      return joined(filter.parts, 'OR', 'false', parameters);
    case 'not':
      // Not NOT: a comparison with NULL is unknown, and unknown is "does not match" here.
      return `(${filterToSql(filter.part, parameters)}) IS NOT TRUE`;
    case 'condition':
      return filter.field.kind === 'metadata'
        ? `metadata @? ${parameters.add(testToJsonPath(filter.field.path, filter.test))}::jsonpath`
        : columnTest(filter.field, filter.test, parameters);
  }
}

function joined(parts: readonly Filter[], operator: string, empty: string, parameters: SqlParameters): string {
  return parts.length === 0 ? empty : `(${parts.map((part) => filterToSql(part, parameters)).join(` ${operator} `)})`;
}

function columnTest(field: ColumnField, test: Test, parameters: SqlParameters): string {
  const column = COLUMN_OF[field.name];
  switch (test.op) {
    case 'exists':
      return 'true';
    case 'null':
      return `${column} IS NULL`;
    case 'equals':
      return columnEquals(field, column, test.values, parameters);
    case 'compare':
      return columnCompare(field, column, test.relation, test.value, parameters);
    case 'matches':
      return `${column} ~ ${parameters.add(printRegex(test.pattern, POSTGRES_REGEX))}`;
  }
}

function columnEquals(
  field: ColumnField,
  column: string,
  values: readonly Scalar[],
  parameters: SqlParameters,
): string {
  if (field.name === 'path') {
    return isOneOf(
      'path_hash',
      values.map((value) => pathHash(String(value))),
      'bytea',
      parameters,
    );
  }
  switch (field.type) {
    case 'number': {
      const whole = values.filter(isBigint).map((value) => String(BigInt(value as number)));
      return isOneOf(column, whole, 'bigint', parameters);
    }
    case 'text':
      return isOneOf(column, values, 'text', parameters);
    case 'time':
      return isOneOf(column, values, 'timestamptz', parameters);
  }
}

/** With one value an index also gives the order of the rest of its columns; with a list it does not. */
function isOneOf(column: string, values: readonly unknown[], type: string, parameters: SqlParameters): string {
  return values.length === 1
    ? `${column} = ${parameters.add(values[0])}::${type}`
    : `${column} = ANY(${parameters.add(values)}::${type}[])`;
}

function columnCompare(
  field: ColumnField,
  column: string,
  relation: Relation,
  value: string | number | Date,
  parameters: SqlParameters,
): string {
  if (typeof value === 'number') {
    return integerCompare(column, relation, value, parameters);
  }
  const type = field.type === 'time' ? 'timestamptz' : 'text';
  return `${column} ${RELATIONS[relation]} ${parameters.add(value)}::${type}`;
}

/** Compares with the nearest whole number, so that the index on a bigint column can be used. */
function integerCompare(column: string, relation: Relation, value: number, parameters: SqlParameters): string {
  const bound = relation === 'gt' || relation === 'lte' ? Math.floor(value) : Math.ceil(value);
  if (!isBigint(bound)) {
    const isAbove = relation === 'lt' || relation === 'lte';
    return String(bound > 0 === isAbove);
  }
  return `${column} ${RELATIONS[relation]} ${parameters.add(String(BigInt(bound)))}::bigint`;
}

function isBigint(value: Scalar): boolean {
  return Number.isInteger(value) && BigInt(value as number) <= MAX_BIGINT && BigInt(value as number) >= -MAX_BIGINT;
}
