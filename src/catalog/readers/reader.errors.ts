import { StationError } from '../../kernel/errors.js';

export function readerNotFound(name: string): StationError {
  return new StationError(
    'not-found',
    'READER_NOT_FOUND',
    `There is no metadata reader ${name}; GET /api/v1/metadata-readers (dm reader list) names them.`,
    { details: { name } },
  );
}

export function readerInvalid(reason: string, details: Record<string, unknown> = {}): StationError {
  return new StationError('invalid', 'READER_INVALID', reason, { details });
}

export function noCopyHere(path: string): StationError {
  return new StationError(
    'not-found',
    'READER_FILE_NOT_HERE',
    `There is no copy of ${path} in this experiment's directory that a reader could be tried on.`,
    { details: { path } },
  );
}
