import { type ErrorKind, StationError } from '../kernel/errors.js';

/**
 * What a script learns from `$?`. Stable: a beamline's macros match on these numbers. 1 and 2 mean what every shell
 * tool means by them, 3-12 follow the kind of error, 20 and above are outcomes rather than errors.
 */
export const EXIT = {
  ok: 0,
  /** Something broke that should not have: in the station or in this program. */
  internal: 1,
  /** The command line itself was wrong. */
  usage: 2,
  invalid: 3,
  unauthenticated: 4,
  forbidden: 5,
  notFound: 6,
  conflict: 7,
  /** The station, or something that it needs, is down; the same command may work later. */
  unavailable: 8,
  timeout: 9,
  tooMany: 10,
  tooLarge: 11,
  /** The command worked and the news is bad: files or a job failed. */
  workFailed: 20,
  /** A confirmation was needed and not given. */
  notConfirmed: 21,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_KIND: Record<ErrorKind, ExitCode> = {
  invalid: EXIT.invalid,
  unauthenticated: EXIT.unauthenticated,
  forbidden: EXIT.forbidden,
  'not-found': EXIT.notFound,
  conflict: EXIT.conflict,
  'too-many': EXIT.tooMany,
  'too-large': EXIT.tooLarge,
  timeout: EXIT.timeout,
  unavailable: EXIT.unavailable,
  internal: EXIT.internal,
};

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliExit) {
    return error.exitCode;
  }
  return error instanceof StationError ? BY_KIND[error.kind] : EXIT.internal;
}

/** An end of a command that is no error of the station: bad usage, a missing confirmation, an interrupt. */
export class CliExit extends Error {
  constructor(
    readonly exitCode: ExitCode,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'CliExit';
  }
}

export function usageError(message: string): CliExit {
  return new CliExit(EXIT.usage, 'USAGE', message);
}
