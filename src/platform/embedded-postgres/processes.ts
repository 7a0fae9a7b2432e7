import { spawn } from 'node:child_process';
import { driverCode, messageOf, StationError } from '../../kernel/errors.js';

/** An account of the operating system that the server runs as. */
export interface OsAccount {
  name: string;
  uid: number;
  gid: number;
}

export interface Outcome {
  code: number | null;
  output: string;
}

/**
 * The whole environment of the server and its tools. Nothing is inherited: a `PGDATA` or `LC_ALL` of whoever starts the
 * station must not change what the server does.
 */
export const SERVER_ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  LC_ALL: 'C',
  TZ: 'UTC',
};

/** How to spawn as `account`; our own account when there is none. */
export function asAccount(account: OsAccount | undefined): { uid?: number; gid?: number } {
  return account === undefined ? {} : { uid: account.uid, gid: account.gid };
}

/** Runs a short command to its end and gives what it printed; a command that cannot be started has the code `null`. */
export async function run(
  command: string,
  args: readonly string[],
  options: { account?: OsAccount | undefined; timeoutMs?: number } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: '/',
      env: SERVER_ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 60_000,
      killSignal: 'SIGKILL',
      ...asAccount(options.account),
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-20_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error) => resolve({ code: null, output: error.message }));
    child.once('close', (code) => resolve({ code, output: output.trim() }));
  });
}

/** The error of a tool that failed, told apart by what a person can do about it. */
export function toolError(what: string, output: string): StationError {
  if (/no space left on device|disk quota exceeded/i.test(output)) {
    return diskFull(what, output);
  }
  return new StationError('internal', 'POSTGRES_TOOL_FAILED', `${what} failed: ${output || 'no output'}`, {
    details: { output },
  });
}

/** `error` as it is, but for a full disk, which a person can do something about. */
export function explainDiskFull(what: string, error: unknown): unknown {
  return ['ENOSPC', 'EDQUOT'].includes(driverCode(error) ?? '') ? diskFull(what, messageOf(error)) : error;
}

function diskFull(what: string, output: string): StationError {
  return new StationError(
    'unavailable',
    'POSTGRES_DISK_FULL',
    `${what} failed because the disk is full. Free some space on the disk of the data directory, or choose another one with DM_DATA_DIR.`,
    { details: { output } },
  );
}
