import { parseArgs } from 'node:util';

export interface BacklogOptions {
  files: number;
  quietSeconds: number;
  /** How long they wait once the last is there. */
  holdSeconds: number;
  /** How many are brought in at the end, to see that work goes on. */
  drainFiles: number;
}

const USAGE = `usage: npm run bench -- backlog [--files 1000000] [--hold 60] [--drain 20000] [--quiet 1]
  --files N        files that wait (default 1000000)
  --hold N         seconds for which they wait once the last is found (default 60)
  --drain N        files that are brought in afterwards (default 20000)
  --quiet N        quiet time in seconds (default 1)
`;

/** Undefined when the person needs the usage, which is printed. */
export function parseOptions(args: string[]): BacklogOptions | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: {
        files: { type: 'string', default: '1000000' },
        hold: { type: 'string', default: '60' },
        drain: { type: 'string', default: '20000' },
        quiet: { type: 'string', default: '1' },
      },
    });
    const files = wholeNumber('--files', values.files);
    return {
      files,
      holdSeconds: wholeNumber('--hold', values.hold),
      drainFiles: Math.min(files, wholeNumber('--drain', values.drain)),
      quietSeconds: wholeNumber('--quiet', values.quiet),
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new Error(`${option} ${text} is not a whole number above 0`);
  }
  return number;
}
