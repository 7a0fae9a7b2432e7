import { type ErrorKind, StationError } from '../kernel/errors.js';

/** An error that the station answered, or the lack of any answer. */
export class ApiError extends StationError {
  constructor(
    kind: ErrorKind,
    code: string,
    message: string,
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    /** What an operator finds the request by in the station's log. */
    readonly requestId: string | undefined,
    details: Record<string, unknown> = {},
    cause?: unknown,
  ) {
    super(kind, code, message, { details, cause });
    this.name = 'ApiError';
  }
}

const KIND_OF_STATUS: Record<number, ErrorKind> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  412: 'conflict',
  413: 'too-large',
  422: 'invalid',
  429: 'too-many',
  502: 'unavailable',
  503: 'unavailable',
  504: 'timeout',
};

/** Turns an answer that is not 2xx into an error: problem details where they are, else what the status says. */
export function errorOfAnswer(status: number, body: unknown, address: string): ApiError {
  const kind = KIND_OF_STATUS[status] ?? (status >= 500 ? 'internal' : 'invalid');
  if (!isProblem(body)) {
    return new ApiError(
      kind,
      'NOT_A_STATION',
      `${address} answered with status ${status} and not as a DM station does; check the address (--url or DM_URL).`,
      status,
      undefined,
    );
  }
  return new ApiError(kind, body.code, body.detail, status, body.requestId, body.details ?? {});
}

/** Turns a fetch that came to nothing into an error that says what to do. */
export function errorOfSilence(cause: unknown, address: string, timeoutMs: number): ApiError {
  if (cause instanceof Error && cause.name === 'TimeoutError') {
    return new ApiError(
      'timeout',
      'STATION_TIMEOUT',
      `The station at ${address} did not answer within ${timeoutMs / 1000} s; it may be busy. Try again, or look at ${address}/health/ready.`,
      0,
      undefined,
      {},
      cause,
    );
  }
  return new ApiError(
    'unavailable',
    'STATION_UNREACHABLE',
    `No station answers at ${address} (${reasonOf(cause)}). Is it running ("npm start" starts it), and is this its address? Another one is given by --url or DM_URL.`,
    0,
    undefined,
    {},
    cause,
  );
}

interface ProblemBody {
  code: string;
  detail: string;
  requestId?: string;
  details?: Record<string, unknown>;
}

function isProblem(body: unknown): body is ProblemBody {
  return (
    typeof body === 'object' &&
    body !== null &&
    'code' in body &&
    typeof body.code === 'string' &&
    'detail' in body &&
    typeof body.detail === 'string'
  );
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  ENOTFOUND: 'there is no machine of this name',
};

/** `fetch failed` tells nothing; the reason is one or two causes down, or in the parts of an AggregateError. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (error.cause !== undefined) {
    return reasonOf(error.cause);
  }
  if ('code' in error && typeof error.code === 'string') {
    return REASONS[error.code] ?? error.code;
  }
  return error.message;
}
