import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';

const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/**
 * Runs a program in our place, as `exec` would: it has our terminal, gets our signals, ends when we are killed, and its
 * end is ours.
 *
 * @param {string} node executable of Node.js
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options]
 * @returns {Promise<number>} exit code; 128 + n for a signal, as in a shell
 */
export async function runProgram(node, args, options = {}) {
  const [command, ...rest] = [...dieWithUs(), node, ...args];
  const child = spawn(command, rest, {
    stdio: 'inherit',
    cwd: options.cwd,
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`, ...options.env },
  });
  const stopForwarding = forwardSignals(child);
  const stopWatching = endWithParent(child);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(signal === null ? code : 128 + constants.signals[signal]));
    });
  } finally {
    stopForwarding();
    stopWatching();
  }
}

/** Ctrl-C at a terminal reaches the child by itself; npm sends each signal to us once more. One of them is enough. */
function forwardSignals(child) {
  const lastSent = new Map();
  const forward = (signal) => {
    const isFromTerminal = signal === 'SIGINT' && process.stdin.isTTY === true;
    const isRepeated = Date.now() - (lastSent.get(signal) ?? 0) < 500;
    if (!isFromTerminal && !isRepeated) {
      lastSent.set(signal, Date.now());
      child.kill(signal);
    }
  };
  FORWARDED.forEach((signal) => process.on(signal, forward));
  return () => FORWARDED.forEach((signal) => process.off(signal, forward));
}

/**
 * Above us is npm (the scripts say `exec`, so no shell is in between). When it is killed -9 it can tell nobody; a station
 * that ran on would hold its data directory against the next start.
 */
function endWithParent(child) {
  if (process.env.npm_lifecycle_event === undefined) {
    return () => undefined;
  }
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) {
      clearInterval(timer);
      child.kill('SIGTERM');
    }
  }, 200).unref();
  return () => clearInterval(timer);
}

/** The same for our own sudden end, where the kernel can do it (util-linux's setpriv, on every Debian). */
function dieWithUs() {
  const prefix = ['setpriv', '--pdeathsig', 'TERM', '--'];
  const works = process.platform === 'linux' && spawnSync(prefix[0], [...prefix.slice(1), 'true']).status === 0;
  return works ? prefix : [];
}
