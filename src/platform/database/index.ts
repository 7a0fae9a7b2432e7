export { Database } from './database.js';
export type { Sql, Transaction } from './sql.js';
export { sqlArray, sqlColumns } from './sql-array.js';
export { openDataSource, type DataSourceSettings } from './open-data-source.js';
export {
  FOREIGN_KEY_VIOLATION,
  isRefused,
  isUnavailable,
  QUERY_CANCELED,
  translateDatabaseError,
  UNIQUE_VIOLATION,
} from './database-errors.js';
