import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pathToText } from '../../kernel/path-text.js';

const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** What lies on the disk, by the word of `md5sum` and `stat`. */
export interface DiskFact {
  sizeBytes: number;
  md5Sum: string;
}

/**
 * All files below a directory, keyed by their relative path in text form. The tools are started by `find`, since a name
 * that is no UTF-8 cannot be passed on a command line from here; NUL ends each record, so that every name survives.
 */
export async function diskFacts(directory: string): Promise<Map<string, DiskFact>> {
  const [digests, sizes] = await Promise.all([
    records(directory, ['md5sum', '-z', '--']),
    records(directory, ['stat', '--printf', '%s  %n\\0', '--']),
  ]);
  const sizeOf = new Map(sizes.map(({ value, path }) => [path, Number(value)]));
  return new Map(digests.map(({ value, path }) => [path, { md5Sum: value, sizeBytes: sizeOf.get(path) ?? NaN }]));
}

/** Files of this name anywhere below a directory. */
export async function filesNamed(directory: string, name: string): Promise<string[]> {
  const { stdout } = await run('find', [directory, '-name', name, '-print0'], { encoding: 'buffer' });
  return splitRecords(stdout).map(pathToText);
}

async function records(directory: string, command: readonly string[]): Promise<{ value: string; path: string }[]> {
  const { stdout } = await run('find', ['.', '-type', 'f', '-exec', ...command, '{}', '+'], {
    cwd: directory,
    encoding: 'buffer',
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  return splitRecords(stdout).map((record) => {
    const gap = record.indexOf('  ./');
    return { value: record.toString('latin1', 0, gap), path: pathToText(record.subarray(gap + '  ./'.length)) };
  });
}

function splitRecords(output: Buffer): Buffer[] {
  const result: Buffer[] = [];
  for (let from = 0; from < output.length;) {
    const end = output.indexOf(0, from);
    result.push(output.subarray(from, end));
    from = end + 1;
  }
  return result;
}
