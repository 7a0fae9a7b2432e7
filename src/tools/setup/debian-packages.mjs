import { spawnSync } from 'node:child_process';
import { say } from './say.mjs';

let isListFresh = false;

/**
 * Makes sure that a program is on the PATH, by installing Debian's package where we may. Where we may not, it says how
 * and goes on: those who need the program say what they leave out.
 */
export function ensureProgram(program, debianPackage, purpose) {
  if (isOnPath(program)) {
    return;
  }
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    say(`${program} is missing (${purpose}). On Debian: apt-get install ${debianPackage}`);
    return;
  }
  say(`installing Debian's package ${debianPackage} (${purpose}) …`);
  if (!isListFresh) {
    aptGet('update', '-q');
    isListFresh = true;
  }
  const outcome = aptGet('install', '-y', '-q', '--no-install-recommends', debianPackage);
  if (outcome.status !== 0 || !isOnPath(program)) {
    say(`that failed, going on without ${program}:\n${outcome.stderr.trim()}`);
  }
}

function isOnPath(program) {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;
}

function aptGet(...args) {
  // RUNLEVEL=1 keeps the package from starting a service of its own; only the program is wanted.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  return spawnSync('apt-get', args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
}
