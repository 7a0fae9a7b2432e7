import { readdirSync, readFileSync } from 'node:fs';

/** Ids of all live processes that descend from `pid`, itself included. Zombies count as dead. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  const alive = new Set<number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = statOf(Number(entry));
    if (stat !== undefined) {
      alive.add(Number(entry));
      children.set(stat.parent, [...(children.get(stat.parent) ?? []), Number(entry)]);
    }
  }
  const tree = [pid];
  for (const member of tree) {
    tree.push(...(children.get(member) ?? []));
  }
  return tree.filter((member) => alive.has(member));
}

/** Whether a process runs; one that ended and was not waited for does not. */
export function isRunning(pid: number): boolean {
  return statOf(pid) !== undefined;
}

/** kill -9 for `pid` and everything below it, all at once: nothing gets the chance to tidy up. */
export function killTree(pid: number): number[] {
  const tree = processTree(pid);
  // Stopped first, so that none can notice the death of another and act on it.
  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
    for (const member of tree) {
      try {
        process.kill(member, signal);
      } catch {
        // It was faster.
      }
    }
  }
  return tree;
}

function statOf(pid: number): { parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : { parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** Live processes, this one apart, whose command line or environment names `text`, such as a station's folder. */
export function processesNaming(text: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.map(Number).filter((pid) => isRunning(pid) && ['cmdline', 'environ'].some((file) => names(pid, file)));

  function names(pid: number, file: string): boolean {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(text);
    } catch {
      return false; // it ended, or belongs to somebody else
    }
  }
}
