import type { ErrorKind, StationError } from '../../kernel/errors.js';

/** The body of every error answer (RFC 9457), `application/problem+json`. `code` is stable; match on it. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  requestId: string;
  details?: Record<string, unknown>;
}

const STATUS: Record<ErrorKind, number> = {
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-many': 429,
  'too-large': 413,
  timeout: 504,
  unavailable: 503,
  internal: 500,
};

const TITLE: Record<ErrorKind, string> = {
  invalid: 'The request is not valid',
  unauthenticated: 'Please log in',
  forbidden: 'Not allowed',
  'not-found': 'Not found',
  conflict: 'The present state does not allow it',
  'too-many': 'Too many requests',
  'too-large': 'Too large',
  timeout: 'Took too long',
  unavailable: 'Temporarily not available',
  internal: 'Something went wrong in the station',
};

export function problemOf(error: StationError, requestId: string): Problem {
  return {
    type: `urn:dm-station:error:${error.code}`,
    title: TITLE[error.kind],
    status: STATUS[error.kind],
    code: error.code,
    detail: error.message,
    requestId,
    ...(Object.keys(error.details).length === 0 ? {} : { details: error.details }),
  };
}
