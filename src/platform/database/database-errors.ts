import { driverCode, StationError } from '../../kernel/errors.js';

/** Codes with which Node or PostgreSQL say that the server cannot be talked to now (classes 08 and 57P, and sockets). */
const UNAVAILABLE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  '57P01', // terminated by an administrator's command
  '57P02', // crash of another server process
  '57P03', // starting up or shutting down
  '53300', // too many connections
  '08000',
  '08001',
  '08003',
  '08004',
  '08006',
]);

export const UNIQUE_VIOLATION = '23505';
export const FOREIGN_KEY_VIOLATION = '23503';
export const QUERY_CANCELED = '57014';

export function isUnavailable(error: unknown): boolean {
  const code = driverCode(error);
  if (code !== undefined && UNAVAILABLE_CODES.has(code)) {
    return true;
  }
  return (
    error instanceof Error &&
    /Connection terminated|timeout exceeded when trying to connect|Client was closed|not queryable/.test(error.message)
  );
}

/** Whether the server has read what it was asked and says no: asked again it would say the same. */
export function isRefused(error: unknown): boolean {
  return /^(22|23|42)...$/.test(driverCode(error) ?? '');
}

/** Gives connection trouble its stable form; every other error of the driver stays as it is. */
export function translateDatabaseError(error: unknown): unknown {
  if (!isUnavailable(error)) {
    return error;
  }
  return new StationError(
    'unavailable',
    'DATABASE_UNAVAILABLE',
    'The database does not answer just now. Nothing was changed; try again in a few seconds.',
    { cause: error, retryAfterSeconds: 5 },
  );
}
