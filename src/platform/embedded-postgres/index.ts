export { EmbeddedPostgres } from './embedded-postgres.js';
export type {
  EmbeddedPostgresOptions,
  PostgresDownReport,
  PostgresRestartReport,
} from './embedded-postgres.options.js';
