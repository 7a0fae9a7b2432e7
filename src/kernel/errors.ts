/** What went wrong, seen from the caller: decides the HTTP status, the CLI's exit code and whether a queue retries. */
export type ErrorKind =
  | 'invalid' // the request cannot be understood or breaks a rule: 422
  | 'unauthenticated' // no or no longer valid credentials: 401
  | 'forbidden' // known, but not allowed: 403
  | 'not-found' // 404
  | 'conflict' // the state of things forbids it now: 409
  | 'too-many' // slow down: 429
  | 'too-large' // 413
  | 'timeout' // a limit on time was reached: 504
  | 'unavailable' // something that we need is down: 503
  | 'internal'; // our fault: 500

export interface StationErrorOptions {
  /** Facts that help the caller and are safe to show. */
  details?: Record<string, unknown>;
  /** Whether the same call may succeed later without anybody changing anything. */
  retryable?: boolean;
  /** Seconds after which a retry makes sense; becomes Retry-After. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/**
 * The one error that leaves a module. `code` is stable (clients match on it), `message` is a sentence that says what
 * to do. Modules throw it with their own codes, or subclass it; they never throw HTTP exceptions.
 */
export class StationError extends Error {
  readonly details: Record<string, unknown>;
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly kind: ErrorKind,
    readonly code: string,
    message: string,
    options: StationErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'StationError';
    this.details = options.details ?? {};
    this.retryable = options.retryable ?? (kind === 'unavailable' || kind === 'timeout' || kind === 'too-many');
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The `code` property that Node and pg put on their errors (`ENOENT`, `23505`), if there is one. */
export function driverCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) {
    return undefined;
  }
  return typeof error.code === 'string' ? error.code : undefined;
}

/** A readable sentence for anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(messageOf).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
