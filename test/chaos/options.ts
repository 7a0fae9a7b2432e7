import { parseArgs } from 'node:util';

export type Variant = 'embedded' | 'redis-mongo';

export interface ChaosOptions {
  minutes: number;
  seed: number;
  variant: Variant;
  /** Files that the detectors write per second, all together; undefined: what the servers are good for. */
  filesPerSecond: number | undefined;
  /** Seconds of faults before everything is mended, must settle, and is checked. */
  roundSeconds: number;
}

const USAGE = `usage: npm run chaos [-- --minutes 5 --seed 7 --variant redis-mongo|embedded]
  --minutes N     how long files flow and faults strike (default 5); settling and checking come on top
  --seed S        repeats the times and kinds of the faults of a run (default: by the clock; printed)
  --variant V     redis-mongo: with Redis and a MongoDB-speaking server (default); embedded: PostgreSQL alone
  --rate N        files per second (default 80; 20 where FerretDB stands in for MongoDB)
  --round N       seconds of faults between two checks (default 60)
`;

/** Undefined when the person needs the usage, which is printed. */
export function parseOptions(args: string[]): ChaosOptions | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: {
        minutes: { type: 'string', default: '5' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        variant: { type: 'string', default: 'redis-mongo' },
        rate: { type: 'string' },
        round: { type: 'string', default: '60' },
      },
    });
    if (values.variant !== 'embedded' && values.variant !== 'redis-mongo') {
      throw new Error(`--variant ${values.variant} is neither embedded nor redis-mongo`);
    }
    const seed = Number(values.seed);
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new Error(`--seed ${values.seed} is not a whole number from 0`);
    }
    return {
      minutes: positive('--minutes', values.minutes),
      seed,
      variant: values.variant,
      filesPerSecond: values.rate === undefined ? undefined : positive('--rate', values.rate),
      roundSeconds: positive('--round', values.round),
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return undefined;
  }
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) {
    throw new Error(`${option} ${text} is not a number above 0`);
  }
  return number;
}
