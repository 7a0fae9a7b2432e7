import type { FileQuery } from '../file-catalog.port.js';
import { type FilePosition, type FileSort, SORT_FIELDS, type SortField } from '../file-sort.js';
import { EVERYTHING } from '../filter/filter-ast.js';
import { filterToSql, SqlParameters } from '../filter/filter-to-sql.js';
import { FILE_COLUMNS } from './file-row.js';

const COLUMN_OF: Record<SortField, string> = {
  storedAt: 'stored_at',
  createdAt: 'created_at',
  modifiedAt: 'modified_at',
  path: 'path',
  name: 'name',
  sizeBytes: 'size_bytes',
  version: 'version',
};

const TYPE_OF = { time: 'timestamptz', text: 'text', number: 'bigint' } as const;

const IS_LATEST = `NOT EXISTS (
  SELECT FROM catalog_file later
  WHERE later.experiment_id = file.experiment_id AND later.path_hash = file.path_hash AND later.version > file.version)`;

export interface Statement {
  text: string;
  values: unknown[];
}

/** Reads one row more than the page holds, which tells whether there is a next one. */
export function pageStatement(
  experimentId: number,
  query: FileQuery,
  sort: FileSort,
  after: FilePosition | undefined,
): Statement {
  const parameters = new SqlParameters();
  const conditions = [
    `experiment_id = ${parameters.add(experimentId)}`,
    filterToSql(query.filter ?? EVERYTHING, parameters),
  ];
  if (after !== undefined) {
    conditions.push(afterPosition(sort, after, parameters));
  }
  if (query.latestOnly === true) {
    conditions.push(IS_LATEST);
  }
  const direction = sort.descending ? 'DESC' : 'ASC';
  const text = `
    SELECT ${FILE_COLUMNS} FROM catalog_file file
    WHERE ${conditions.join(' AND ')}
    ORDER BY ${COLUMN_OF[sort.field]} ${direction}, id ${direction}
    LIMIT ${parameters.add(query.limit + 1)}`;
  return { text, values: parameters.values };
}

function afterPosition(sort: FileSort, after: FilePosition, parameters: SqlParameters): string {
  const value = `${parameters.add(after.value)}::${TYPE_OF[SORT_FIELDS[sort.field]]}`;
  const id = `${parameters.add(Buffer.from(after.id, 'hex'))}::bytea`;
  return `(${COLUMN_OF[sort.field]}, id) ${sort.descending ? '<' : '>'} (${value}, ${id})`;
}
