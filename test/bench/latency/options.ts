import { parseArgs } from 'node:util';

export interface LatencyOptions {
  filesPerSecond: number;
  seconds: number;
  quietSeconds: number;
  fileBytes: number;
}

const USAGE = `usage: npm run bench -- latency [--rate 100] [--seconds 60] [--quiet 1]
  --rate N         files per second (default 100)
  --seconds N      how long they are written (default 60)
  --quiet N        quiet time in seconds (default 1)
  --bytes N        size of a file (default 32768)
`;

/** Undefined when the person needs the usage, which is printed. */
export function parseOptions(args: string[]): LatencyOptions | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: {
        rate: { type: 'string', default: '100' },
        seconds: { type: 'string', default: '60' },
        quiet: { type: 'string', default: '1' },
        bytes: { type: 'string', default: '32768' },
      },
    });
    return {
      filesPerSecond: positive('--rate', values.rate),
      seconds: positive('--seconds', values.seconds),
      quietSeconds: positive('--quiet', values.quiet),
      fileBytes: positive('--bytes', values.bytes),
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!(number > 0) || !Number.isFinite(number)) {
    throw new Error(`${option} ${text} is not a number above 0`);
  }
  return number;
}
