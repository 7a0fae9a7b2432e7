import { readdir, readFile } from 'node:fs/promises';
import { driverCode } from '../../kernel/errors.js';

/** One line of the kernel's process table. `startTicks` tells a process from a later one with the same pid. */
export interface ProcessEntry {
  pid: number;
  state: string;
  group: number;
  startTicks: string;
}

/** Reads `/proc/<pid>/stat`. The command name in parentheses may hold anything, so fields count from the last `)`. */
export function parseStat(line: string): ProcessEntry | undefined {
  const pid = Number.parseInt(line, 10);
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state, , group] = fields;
  const startTicks = fields[19];
  if (!Number.isInteger(pid) || state === undefined || group === undefined || startTicks === undefined) {
    return undefined;
  }
  return { pid, state, group: Number(group), startTicks: startTicks.trim() };
}

/** The process of this pid; undefined when there is none, or only its remains that nobody has collected yet. */
export async function processEntry(pid: number): Promise<ProcessEntry | undefined> {
  const entry = parseStat(await readProc(`/proc/${pid}/stat`));
  return entry === undefined || entry.state === 'Z' || entry.state === 'X' ? undefined : entry;
}

/** All live processes of a group, and those that left it but carry `mark` in their environment. */
export async function groupMembers(group: number, mark: string): Promise<number[]> {
  const members: number[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) {
      continue;
    }
    const entry = await processEntry(pid);
    if (entry !== undefined && (entry.group === group || (await readProc(`/proc/${pid}/environ`)).includes(mark))) {
      members.push(pid);
    }
  }
  return members;
}

/** Whether any process, dead ones not yet collected included, is in the group. Cheap. */
export function groupExists(group: number): boolean {
  return signal(-group, 0);
}

/** @returns whether there was anything to signal. */
export function signal(target: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(target, name);
    return true;
  } catch (error) {
    if (driverCode(error) === 'ESRCH') {
      return false;
    }
    throw error;
  }
}

let bootIdRead: Promise<string> | undefined;

/** Differs after each boot of the machine. */
export function bootId(): Promise<string> {
  bootIdRead ??= readProc('/proc/sys/kernel/random/boot_id').then((text) => text.trim());
  return bootIdRead;
}

/** Empty when the process is gone or not ours to look at. */
async function readProc(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch {
    return '';
  }
}
