import type { Readable, Writable } from 'node:stream';

export interface TerminalOutput extends Writable {
  isTTY?: boolean;
  columns?: number;
}

export interface TerminalInput extends Readable {
  isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
}

/** Everything that a command touches of its process, so that a test can run commands in its own. */
export interface CliIo {
  stdin: TerminalInput;
  /** The result, and nothing else. */
  stdout: TerminalOutput;
  /** Errors, questions, progress and remarks. */
  stderr: TerminalOutput;
  environment: Record<string, string | undefined>;
  workingDirectory: string;
}

export function processIo(): CliIo {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    workingDirectory: process.cwd(),
  };
}

/** Whether a person sits there who can answer a question. */
export function canAsk(io: CliIo): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true;
}
