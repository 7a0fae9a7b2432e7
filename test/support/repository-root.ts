import { resolve } from 'node:path';

/** The directory of package.json. */
export const repositoryRoot = resolve(import.meta.dirname, '..', '..');
