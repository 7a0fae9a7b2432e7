import { isBeingStopped, tidyUp, tidyUpOnSuddenEnd } from '../bench/pieces/tidy-up.ts';
import { parseOptions } from './options.ts';
import { run } from './run.ts';

const options = parseOptions(process.argv.slice(2));

if (options === undefined) {
  process.exitCode = 2;
} else {
  tidyUpOnSuddenEnd();
  process.exitCode = await run(options).then((hasHeld) => (hasHeld ? 0 : 1), failed);
  await tidyUp();
}

function failed(error: unknown): number {
  if (!isBeingStopped()) {
    process.stderr.write(`chaos: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  }
  return 1;
}
