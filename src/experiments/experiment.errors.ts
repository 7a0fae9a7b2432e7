import { StationError } from '../kernel/errors.js';

export function experimentExists(name: string, cause?: unknown): StationError {
  return new StationError(
    'conflict',
    'EXPERIMENT_EXISTS',
    `There is an experiment ${name} already (names differ by more than upper and lower case). Choose another name.`,
    { cause },
  );
}

export function typeUnknown(name: string, known: readonly string[]): StationError {
  return new StationError(
    'invalid',
    'EXPERIMENT_TYPE_UNKNOWN',
    `There is no experiment type ${JSON.stringify(name)}; there are ${known.join(', ')}.`,
    { details: { known } },
  );
}

export function datesReversed(): StationError {
  return new StationError('invalid', 'EXPERIMENT_DATES_REVERSED', 'The end date must not be before the start date.');
}

export function directoryTaken(directory: string): StationError {
  return new StationError(
    'conflict',
    'EXPERIMENT_DIRECTORY_EXISTS',
    `${directory} exists and is not an empty experiment. Move it away or choose another name; nothing in it was touched.`,
    { details: { directory } },
  );
}

export function storageUnavailable(reason: string, cause?: unknown): StationError {
  return new StationError('unavailable', 'STORAGE_UNAVAILABLE', reason, { retryAfterSeconds: 30, cause });
}
