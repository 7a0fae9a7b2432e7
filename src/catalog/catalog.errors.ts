import { StationError } from '../kernel/errors.js';

export function fileNotFound(): StationError {
  return new StationError('not-found', 'CATALOG_FILE_NOT_FOUND', 'The catalog of this experiment has no such file.');
}

export function fileExists(path: string, version: number): StationError {
  return new StationError(
    'conflict',
    'CATALOG_FILE_EXISTS',
    `Version ${version} of this path is in the catalog already. Change it with PATCH, or name another version.`,
    { details: { path, version } },
  );
}

export function fileChanged(expected: number | undefined): StationError {
  return new StationError(
    'conflict',
    'CATALOG_FILE_CHANGED',
    'Somebody else changed this file meanwhile. Read it again and repeat your change on what it says now.',
    { details: expected === undefined ? {} : { expectedRevision: expected } },
  );
}

export function experimentGone(): StationError {
  return new StationError('not-found', 'EXPERIMENT_NOT_FOUND', 'There is no such experiment any more.');
}

export function queryTimeout(limitMs: number, cause: unknown): StationError {
  return new StationError(
    'timeout',
    'CATALOG_QUERY_TIMEOUT',
    `The search took longer than ${limitMs / 1000} s. Narrow it, for instance by acquisitionId or an exact metadata value.`,
    { cause, retryable: false, details: { limitMs } },
  );
}

export function invalidFile(message: string, details: Record<string, unknown> = {}): StationError {
  return new StationError('invalid', 'CATALOG_FILE_INVALID', message, { details });
}

export function metadataInvalid(message: string, details: Record<string, unknown> = {}): StationError {
  return new StationError('invalid', 'CATALOG_METADATA_INVALID', message, { details });
}

export function catalogUnavailable(cause: unknown): StationError {
  return new StationError(
    'unavailable',
    'CATALOG_UNAVAILABLE',
    'The catalog server does not answer just now. Try again in a few seconds.',
    { cause, retryAfterSeconds: 5 },
  );
}
