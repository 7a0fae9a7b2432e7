import { isAbsolute, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { SetChoice } from './sets.ts';

export interface IngestOptions {
  rounds: number;
  set: SetChoice;
  files: number;
  largeBytes: number;
  profileDirectory: string | undefined;
}

const USAGE = `usage: npm run bench -- ingest [--rounds 5] [--set small|large|all]
  --rounds N         how often each contender runs (default 5)
  --set WHICH        small: 20,000 files of 8-58 KB; large: 4 x 1 GiB, and one file of 1 GiB; all: both (default)
  --files N          number of small files, for a quick look (default 20000)
  --large-mib N      size of a large file, for a quick look (default 1024)
  --profile DIR      let the station and its threads write CPU profiles there; its times are not comparable then
`;

/** Undefined when the person needs the usage, which is printed. */
export function parseOptions(args: string[]): IngestOptions | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: {
        rounds: { type: 'string', default: '5' },
        set: { type: 'string', default: 'all' },
        files: { type: 'string', default: '20000' },
        'large-mib': { type: 'string', default: '1024' },
        profile: { type: 'string' },
      },
    });
    if (values.set !== 'small' && values.set !== 'large' && values.set !== 'all') {
      throw new Error(`--set ${values.set} is none of small, large, all`);
    }
    return {
      rounds: positive('--rounds', values.rounds),
      set: values.set,
      files: positive('--files', values.files),
      largeBytes: positive('--large-mib', values['large-mib']) * 2 ** 20,
      profileDirectory: values.profile === undefined ? undefined : callersPath(values.profile),
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new Error(`${option} ${text} is not a whole number above 0`);
  }
  return number;
}

/** npm changes into the clone first. */
function callersPath(path: string): string {
  return isAbsolute(path) ? path : resolve(process.env['INIT_CWD'] ?? process.cwd(), path);
}
