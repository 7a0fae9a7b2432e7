import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { strictUtf8 } from '../../../kernel/utf8.js';
import { type ExecutableLimits, runExecutable } from './run-executable.js';

/** Stands in an argument for the file's path; without it the path is the last argument. */
const FILE = '{file}';

export interface Executable extends ExecutableLimits {
  /** Absolute path and arguments, one of which may hold `{file}`. */
  command: readonly string[];
  /** Added to an environment that otherwise holds PATH and LANG only. */
  environment: Readonly<Record<string, string>>;
}

/**
 * Runs an executable on one file and answers what it printed. The file's path is one argument, never text for a shell.
 *
 * @throws StationError as {@link runExecutable}.
 */
export function runOnFile(executable: Executable, path: Buffer, signal: AbortSignal): Promise<string> {
  const { command, environment } = executable;
  return withArgument(path, (argument) => runExecutable(withFile(command, argument), environment, executable, signal));
}

/** Node hands arguments over as UTF-8: a path that is none is reached through a link with a plain name. */
async function withArgument<T>(path: Buffer, run: (argument: string) => Promise<T>): Promise<T> {
  let text: string;
  try {
    text = strictUtf8.decode(path);
  } catch {
    const directory = await mkdtemp(join(tmpdir(), 'dm-reader-'));
    try {
      const link = join(directory, `file${extname(path.toString('latin1')).replace(/[^\x21-\x7e]/g, '')}`);
      await symlink(path, link);
      return await run(link);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
  return run(text);
}

function withFile(command: readonly string[], argument: string): string[] {
  const isPlaced = command.some((part) => part.includes(FILE));
  const placed = command.map((part) => part.replaceAll(FILE, () => argument));
  return isPlaced ? placed : [...placed, argument];
}
