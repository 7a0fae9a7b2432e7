import { join } from 'node:path';

/** Migrations lie beside `src` in a checkout and in the built package alike, as JavaScript there. */
export const POSTGRES_MIGRATIONS = [join(import.meta.dirname, '..', '..', 'migrations', 'postgres', '*.{js,ts}')];
