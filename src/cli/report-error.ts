import { CommanderError } from 'commander';
import { messageOf, StationError } from '../kernel/errors.js';
import { ApiError } from './api-error.js';
import { CliExit, EXIT, type ExitCode, exitCodeOf } from './exit-codes.js';
import type { CliIo } from './io.js';
import { safeLine } from './safe-text.js';

/** Says on stderr what went wrong (as one JSON document under `--json`) and answers the exit code for it. */
export function reportError(error: unknown, io: CliIo, isJson: boolean): ExitCode {
  if (error instanceof CommanderError && (!isJson || error.exitCode === 0)) {
    // commander has said its part already: help, or what is wrong with the command line.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  const exitCode = error instanceof CommanderError ? EXIT.usage : exitCodeOf(error);
  const report = {
    code: codeOf(error),
    message: messageOf(error),
    exitCode,
    ...(error instanceof ApiError ? { status: error.status, requestId: error.requestId, details: error.details } : {}),
  };
  if (isJson) {
    io.stderr.write(`${JSON.stringify({ error: report })}\n`);
    return exitCode;
  }
  io.stderr.write(`dm: ${safeLine(report.code)}: ${safeLine(report.message)}\n`);
  if (report.requestId !== undefined) {
    io.stderr.write(`    request ${safeLine(report.requestId)}\n`);
  }
  return exitCode;
}

function codeOf(error: unknown): string {
  if (error instanceof CommanderError) {
    return 'USAGE';
  }
  return error instanceof CliExit || error instanceof StationError ? error.code : 'CLI_BUG';
}
