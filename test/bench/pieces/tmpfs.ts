import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { BenchProblem } from './bench-problem.ts';
import { memoryAvailable } from './machine.ts';
import { isRunning, ownerOf } from './process-ids.ts';
import { atTheEnd } from './tidy-up.ts';

/** What the station, the database, the peers and everybody else need beside the files, in bytes. */
const ELSEWHERE_BYTES = 1.5 * 2 ** 30;
const PREFIX = 'dm-bench-';

/**
 * A folder in memory with room for `bytes`, removed at the end. Disks are so uneven that only memory lets one run be
 * compared with the next.
 *
 * @throws BenchProblem when no tmpfs has the room, or the memory behind it is not there.
 */
export function tmpfsFolder(bytes: number): string {
  const mounts = writableTmpfs();
  mounts.forEach(removeLeftovers);
  const roomy = mounts.find((mount) => freeBytes(mount) >= bytes);
  if (roomy === undefined) {
    const seen = mounts.map((mount) => `${mount} has ${gib(freeBytes(mount))} GiB`).join(', ');
    throw new BenchProblem(
      `This needs a tmpfs with ${gib(bytes)} GiB free, and ${seen === '' ? 'no writable tmpfs is mounted' : seen}. ` +
        `Mount one (mount -t tmpfs -o size=${Math.ceil(bytes / 2 ** 30)}G tmpfs /mnt/bench), or take --set small.`,
    );
  }
  const memory = memoryAvailable();
  if (memory < bytes + ELSEWHERE_BYTES) {
    throw new BenchProblem(
      `${roomy} would hold ${gib(bytes)} GiB, but only ${gib(memory)} GiB of memory are available for it and for all programs; ` +
        'take --set small, or a machine with more memory.',
    );
  }
  const folder = mkdtempSync(join(roomy, `${PREFIX}${process.pid}-`));
  atTheEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `/dev/shm` first, which nearly every Linux has, then the largest. */
function writableTmpfs(): string[] {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, path = '', type]) => type === 'tmpfs' && !/^\/(?:sys|proc|dev$|run)/.test(path) && isWritable(path))
    .map(([, path = '']) => path);
  return [...new Set(mounts)].sort(
    (a, b) => Number(b === '/dev/shm') - Number(a === '/dev/shm') || freeBytes(b) - freeBytes(a),
  );
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** A bench that was killed -9 has left gigabytes of memory behind. */
function removeLeftovers(mount: string): void {
  for (const name of readdirSync(mount)) {
    const owner = ownerOf(name, PREFIX);
    if (owner !== undefined && !isRunning(owner)) {
      rmSync(join(mount, name), { recursive: true, force: true });
    }
  }
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
