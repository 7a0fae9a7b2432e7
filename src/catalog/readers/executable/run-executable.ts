import { spawn } from 'node:child_process';
import { messageOf, StationError } from '../../../kernel/errors.js';

/** All that a reader may print; what describes a file is small. */
const MOST_OUTPUT_BYTES = 1_048_576;
/** What is quoted of its complaints. */
const MOST_COMPLAINT_BYTES = 2048;
/** A child of the reader that keeps the pipes open is not waited for. */
const CLOSE_GRACE_MS = 1000;

/**
 * Sets the limits and becomes the reader. The text is fixed and everything that varies is an argument, so nothing of a
 * file name is ever read as shell. Arguments: KiB of address space, seconds of CPU time, the command and its arguments.
 */
const WITH_LIMITS = 'ulimit -c 0; ulimit -v "$1" && ulimit -t "$2" || exit 126; shift 2; exec "$@"';

export interface ExecutableLimits {
  memoryMegabytes: number;
  timeoutSeconds: number;
}

/**
 * Runs a reader and answers what it printed. It gets a scrubbed environment, no input, and a process group of its own,
 * which is ended with it when `signal` is aborted.
 *
 * @throws StationError READER_FAILED with what it complained of, READER_OUTPUT_TOO_LARGE, READER_TIMEOUT.
 */
export async function runExecutable(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  limits: ExecutableLimits,
  signal: AbortSignal,
): Promise<string> {
  const kibibytes = String(Math.ceil(limits.memoryMegabytes * 1024));
  const cpuSeconds = String(Math.ceil(limits.timeoutSeconds) + 1);
  const child = spawn('/bin/sh', ['-c', WITH_LIMITS, 'dm-reader', kibibytes, cpuSeconds, ...command], {
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', ...environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = () => endGroup(child.pid);
  const output: Buffer[] = [];
  const complaint: Buffer[] = [];
  let outputBytes = 0;
  let complaintBytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    outputBytes += chunk.length;
    if (outputBytes > MOST_OUTPUT_BYTES) {
      end();
    } else {
      output.push(chunk);
    }
  });
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaintBytes < MOST_COMPLAINT_BYTES) {
      complaint.push(chunk.subarray(0, MOST_COMPLAINT_BYTES - complaintBytes));
      complaintBytes += chunk.length;
    }
  });
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) {
    end();
  }
  try {
    const how = await ending(child);
    requireGoodEnd(how, signal, outputBytes, Buffer.concat(complaint));
    return Buffer.concat(output).toString('utf8');
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

function requireGoodEnd(how: string, signal: AbortSignal, outputBytes: number, complaint: Buffer): void {
  if (signal.aborted) {
    throw new StationError('timeout', 'READER_TIMEOUT', messageOf(signal.reason));
  }
  if (outputBytes > MOST_OUTPUT_BYTES) {
    throw new StationError(
      'too-large',
      'READER_OUTPUT_TOO_LARGE',
      `it printed more than ${MOST_OUTPUT_BYTES} bytes; print what describes the file, not the file`,
    );
  }
  if (how !== 'exit code 0') {
    const words = complaint.toString('utf8').trim();
    const said = words === '' ? ' and said nothing' : `: ${words}`;
    throw new StationError('invalid', 'READER_FAILED', `it ended with ${how}${said}`);
  }
}

/** Ends with the process and its output; what it left behind in the background holds nothing up. */
function ending(child: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve, reject) => {
    let how = '';
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      how = signal === null ? `exit code ${code}` : signal;
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, CLOSE_GRACE_MS).unref();
    });
    child.once('close', () => resolve(how));
  });
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) {
      process.kill(-pid, 'SIGKILL');
    }
  } catch {
    // It is gone, with all that it started.
  }
}
