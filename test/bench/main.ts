import { backlog } from './backlog/backlog.ts';
import { copy } from './copy/copy.ts';
import { ingest } from './ingest/ingest.ts';
import { latency } from './latency/latency.ts';
import { readers } from './readers/readers.ts';
import { BenchProblem } from './pieces/bench-problem.ts';
import { isBeingStopped, tidyUp, tidyUpOnSuddenEnd } from './pieces/tidy-up.ts';

/** Each answers what the process is to exit with. A bench to come adds its line here. */
const BENCHES: Record<string, (args: string[]) => Promise<number>> = { copy, ingest, latency, backlog, readers };

const [name = '', ...args] = process.argv.slice(2);
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;

if (bench === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(BENCHES).join('|')} [options]\n`);
  process.exitCode = 2;
} else {
  tidyUpOnSuddenEnd();
  process.exitCode = await bench(args).catch(failed);
  await tidyUp();
}

function failed(error: unknown): number {
  if (!isBeingStopped()) {
    const text = error instanceof Error && !(error instanceof BenchProblem) ? error.stack : String(error);
    process.stderr.write(`bench ${name}: ${text}\n`);
  }
  return 1;
}
