import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { run } from './processes.js';

/**
 * The `cluster_name` that all processes of a cluster carry in their title, so that they are recognised even where
 * `/proc/<pid>/cwd` may not be read (root without CAP_SYS_PTRACE, as in most containers).
 */
export function clusterName(clusterDirectory: string): string {
  return `dm-${createHash('sha256').update(clusterDirectory).digest('hex').slice(0, 12)}`;
}

/** All live processes of the server on this cluster: a postmaster, or backends that survived theirs. */
export async function findClusterProcesses(clusterDirectory: string): Promise<number[]> {
  return process.platform === 'linux' ? findInProc(clusterDirectory) : findWithPs(clusterDirectory);
}

/**
 * Stops whatever runs on this cluster: first as a clean shutdown (SIGINT), then an immediate one (SIGQUIT), then
 * SIGKILL. Nothing committed is lost in any of them; the hard ones only cost a recovery at the next start.
 *
 * @returns how many processes there were.
 */
export async function stopClusterProcesses(clusterDirectory: string, cleanMs = 10_000): Promise<number> {
  const found = await findClusterProcesses(clusterDirectory);
  if (found.length === 0) {
    return 0;
  }
  const postmaster = await postmasterPid(clusterDirectory);
  const steps: [NodeJS.Signals, number][] = [
    ['SIGINT', cleanMs],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 10_000],
  ];
  for (const [signal, waitMs] of steps) {
    const left = await findClusterProcesses(clusterDirectory);
    // The postmaster takes its children with it; without one each child is told. A cancelled query is not what we mean.
    const orphaned = postmaster === undefined || !left.includes(postmaster);
    if (signal === 'SIGINT' && orphaned) {
      continue;
    }
    signalAll(signal === 'SIGKILL' || orphaned ? left : [postmaster], signal);
    if (await isGone(clusterDirectory, waitMs)) {
      break;
    }
  }
  return found.length;
}

/** The process id in `postmaster.pid`: of the running server, or of one that ended without cleaning up. */
export async function postmasterPid(clusterDirectory: string): Promise<number | undefined> {
  const text = await readFile(join(clusterDirectory, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n', 1)[0]);
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended in between, which is what is wanted.
    }
  }
}

async function isGone(clusterDirectory: string, waitMs: number): Promise<boolean> {
  const deadline = Date.now() + waitMs;
  while ((await findClusterProcesses(clusterDirectory)).length > 0) {
    if (Date.now() > deadline) {
      return false;
    }
    await pause(50);
  }
  return true;
}

async function findInProc(clusterDirectory: string): Promise<number[]> {
  const cluster = await stat(clusterDirectory).catch(() => undefined);
  const name = clusterName(clusterDirectory);
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found: number[] = [];
  for (const pid of pids) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    // `/…/bin/postgres -D …` is the postmaster, `postgres: <cluster name>: checkpointer` one of its children.
    if (!/^([^\0]*\/)?postgres[\0:]/.test(commandLine) || (await isZombie(pid))) {
      continue;
    }
    const directory = await stat(`/proc/${pid}/cwd/.`).catch(() => undefined);
    const isOurs =
      directory === undefined
        ? commandLine.includes(name)
        : directory.dev === cluster?.dev && directory.ino === cluster.ino;
    if (isOurs) {
      found.push(pid);
    }
  }
  return found;
}

/** A process that has ended but was not yet waited for (by an init that does not, as in some containers). */
async function isZombie(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3) === 'Z';
}

async function findWithPs(clusterDirectory: string): Promise<number[]> {
  const name = clusterName(clusterDirectory);
  const { output } = await run('ps', ['-axww', '-o', 'pid=,command=']);
  return output
    .split('\n')
    .filter((line) => line.includes('postgres') && line.includes(name))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid !== process.pid);
}
