import { execFileSync } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { randomNumbers } from '../../bench/pieces/random.ts';
import { waitFor } from '../../support/wait-for.ts';
import { FAR_PREFIX, REWRITES } from '../detector.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';

/** A station that starts again copies nothing for some seconds. */
const LOOKING_MS = 25_000;
/** A kill in between spoils what was seen of a damaged copy; then another one is damaged. */
const ROUNDS = 3;
const PAUSE_MS = { least: 10, most: 40 };
/** Files whose copying takes long enough to be met, written while one is looked for. */
const BAIT_BYTES = 8 * 2 ** 20;
const BAIT_MS = 1000;
/** Until a copy that was damaged must be thrown away. */
const OBSERVATION_MS = 10_000;

interface OpenCopy {
  path: string;
  fd: number;
  /** What its first byte was changed to. */
  wrongByte?: number;
}

/**
 * Damages a copy between its writing and its read-back, and watches it being thrown away. To meet that moment the station is
 * stopped (SIGSTOP) at random times until a temporary file lies there that has content and not yet its final mode, which
 * it gets before it is read back. Counted is only a copy that still had the damage when its name was taken from it.
 */
export const copyCorrupted: Fault = async (world, { seed }) => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const copy = await withCopyUnderWay(world, seed + round, (found) => Promise.resolve(damage(found)));
    if (copy !== undefined && (await isThrownAway(copy))) {
      return 1;
    }
  }
  return 0;
};

/** False for one that was written anew after a kill, and for one that was published, which the checks will find. */
async function isThrownAway(copy: OpenCopy): Promise<boolean> {
  try {
    await waitFor(() => fstatSync(copy.fd).nlink === 0 || !isDamaged(copy), {
      timeoutMs: OBSERVATION_MS,
      what: 'the damaged copy to go',
    });
    return isDamaged(copy) && fstatSync(copy.fd).nlink === 0;
  } catch {
    return false;
  } finally {
    closeSync(copy.fd);
  }
}

/** Gives a file other content while it is being copied: its row is claimed, its temporary copy half there. */
export const sourceChanged: Fault = async (world, { seed }) => {
  const random = randomNumbers(seed);
  const copy = await withCopyUnderWay(world, seed, async (found) => {
    const source = await sourceOf(world, found);
    if (source === undefined) {
      closeSync(found.fd);
      return undefined;
    }
    world.detector.rewrite(source, REWRITES[Math.floor(random() * REWRITES.length)]!);
    return found;
  });
  if (copy !== undefined) {
    closeSync(copy.fd);
  }
  return Number(copy !== undefined);
};

/** One at a time: whoever lets the station go on would let it go on for the others, too. */
let turn: Promise<unknown> = Promise.resolve();

function withCopyUnderWay(world: World, seed: number, strike: Strike): Promise<OpenCopy | undefined> {
  const mine = turn.then(() => lookForCopy(world, seed, strike));
  turn = mine.catch(() => undefined);
  return mine;
}

type Strike = (copy: OpenCopy) => Promise<OpenCopy | undefined>;

/** Calls `strike` while the station stands still in the middle of a copy, until that says that it has struck. */
async function lookForCopy(world: World, seed: number, strike: Strike): Promise<OpenCopy | undefined> {
  const random = randomNumbers(seed);
  let nextBait = performance.now();
  for (const end = performance.now() + LOOKING_MS; performance.now() < end;) {
    await pause(PAUSE_MS.least + random() * (PAUSE_MS.most - PAUSE_MS.least));
    if (performance.now() >= nextBait) {
      nextBait += BAIT_MS;
      world.detector.writeStack(BAIT_BYTES);
    }
    const { pid } = world.station;
    if (!world.station.isRunning) {
      continue;
    }
    try {
      process.kill(pid, 'SIGSTOP');
      for (const copy of copiesUnderWay(world.places.storage)) {
        const struck = await strike(copy).catch(() => undefined);
        if (struck !== undefined) {
          return struck;
        }
      }
    } catch {
      // It was killed just now.
    } finally {
      resume(pid);
    }
  }
  return undefined;
}

function resume(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It was killed meanwhile.
  }
}

/**
 * Temporary files with content that have not been read back yet. At most one is left open: that which is yielded. Those
 * from the other machine are left out: rsync and scripts make and read them, which do not stand still with the station.
 */
function* copiesUnderWay(storage: string): Generator<OpenCopy> {
  const wanted = ['-name', '.dm-*.part', '-type', 'f', '-perm', '0600', '-size', '+0', '-print0'];
  const found = execFileSync('find', [storage, '-path', `*/data/${FAR_PREFIX}*`, '-prune', '-o', ...wanted], {
    encoding: 'utf8',
  });
  for (const path of found.split('\0').filter((line) => line !== '')) {
    try {
      yield { path, fd: openSync(path, constants.O_RDWR | constants.O_NOFOLLOW) };
    } catch {
      // Whoever stood still has been killed, and the next life has tidied up.
    }
  }
}

function damage(copy: OpenCopy): OpenCopy | undefined {
  const wrongByte = firstByte(copy.fd) ^ 0xff;
  writeSync(copy.fd, Buffer.of(wrongByte), 0, 1, 0);
  return { ...copy, wrongByte };
}

function isDamaged({ fd, wrongByte }: OpenCopy): boolean {
  return fstatSync(fd).size > 0 && firstByte(fd) === wrongByte;
}

function firstByte(fd: number): number {
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, 0);
  return byte[0]!;
}

/** Undefined unless the row of a temporary file says that its file is being copied just now. */
async function sourceOf({ station, places }: World, { path }: OpenCopy): Promise<string | undefined> {
  const id = /^\.dm-(\d+)\.part$/.exec(basename(path))?.[1];
  const [row] = await station.sql<{ source_path: Buffer }>(
    `SELECT source_path FROM ledger WHERE id = $1 AND state = 'transferring'`,
    [id],
  );
  return row?.source_path.toString().replace(places.source, places.detector);
}
