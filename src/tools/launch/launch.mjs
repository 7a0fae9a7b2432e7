import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runsOnStationNode, stationNode } from '../setup/node-runtime.mjs';
import { runProgram } from '../setup/run-program.mjs';
import { SetupError } from '../setup/say.mjs';

const packageRoot = fileURLToPath(new URL('../../..', import.meta.url));

/** Runs a program of the installed package on Node 24: here when this is one, else on the one that npm brought. */
export async function launch(path) {
  const entry = resolve(packageRoot, path);
  if (runsOnStationNode()) {
    process.argv[1] = entry;
    await import(pathToFileURL(entry).href);
    return;
  }
  try {
    process.exitCode = await runProgram(stationNode(), ['--enable-source-maps', entry, ...process.argv.slice(2)]);
  } catch (error) {
    if (!(error instanceof SetupError)) {
      throw error;
    }
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}
