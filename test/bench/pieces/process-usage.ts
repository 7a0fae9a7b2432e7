import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second in `/proc/<pid>/stat`: 100 on every Linux that Node.js runs on. */
const TICKS = 100;

export interface ProcessUsage {
  /** CPU seconds since its start, of the process with its threads. */
  station: number;
  /** The same of everything that it started (its database), ended processes included. */
  children: number;
  /** Largest resident size of the process with its threads so far, in bytes. */
  peakResidentBytes: number;
}

export function processUsage(pid: number): ProcessUsage {
  const all = allProcesses();
  const used = new Map(all.map((one) => [one.pid, one]));
  const self = used.get(pid);
  const descendants = idsBelow(pid, all).flatMap((member) => used.get(member) ?? []);
  return {
    station: self?.own ?? 0,
    children: descendants.reduce((sum, one) => sum + one.own + one.ended, self?.ended ?? 0),
    peakResidentBytes: peakResident(pid),
  };
}

/** Ids of all live processes that descend from `pid`. */
export function processIdsBelow(pid: number): number[] {
  return idsBelow(pid, allProcesses());
}

interface ProcessStat {
  pid: number;
  parent: number;
  own: number;
  ended: number;
}

function allProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
}

function idsBelow(pid: number, all: readonly ProcessStat[]): number[] {
  const tree = [pid];
  for (const member of tree) {
    tree.push(...all.filter((one) => one.parent === member).map((one) => one.pid));
  }
  return tree.slice(1);
}

function statOf(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // After the name in brackets: state, parent, … user and system time, and the same of children that were waited for.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
    return { pid, parent: fields[1] ?? 0, own: (user + system) / TICKS, ended: (childUser + childSystem) / TICKS };
  } catch {
    return undefined; // it ended just now
  }
}

function peakResident(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}
