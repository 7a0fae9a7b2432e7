import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freeBytes, hideSource, showSource } from '../places.ts';
import type { Fault } from './fault.ts';

/** Outside of all experiments. */
export const BALLAST = 'ballast';
const LOOK_MS = 50;
const LEFT_TO_WRITE = 4 * 2 ** 20;
const MOST_AT_ONCE = 64 * 2 ** 20;
const PAGE = Buffer.alloc(4096);

let isFilled = false;
let isHidden = false;

/** Takes every byte of the storage area, and what becomes free meanwhile, too. Struck is what was refused a further one. */
export const destinationFilled: Fault = async ({ places }, { lasts }) => {
  if (isFilled) {
    return 0;
  }
  isFilled = true;
  const ballast = openSync(join(places.storage, BALLAST), 'w');
  let wasFull = false;
  try {
    reserve(ballast, freeBytes(places.storage) - LEFT_TO_WRITE);
    for (const end = performance.now() + lasts * 1000; performance.now() < end; await pause(LOOK_MS)) {
      wasFull = fill(ballast) || wasFull;
    }
    return Number(wasFull);
  } finally {
    closeSync(ballast);
    rmSync(join(places.storage, BALLAST));
    isFilled = false;
  }
};

/** What others have written since the look at the free space is missing: then a little less is asked for. */
function reserve(fd: number, bytes: number): void {
  for (let wanted = bytes; wanted > LEFT_TO_WRITE; wanted -= LEFT_TO_WRITE) {
    const stdio = ['ignore', 'ignore', 'ignore', fd] as const;
    if (spawnSync('fallocate', ['-l', String(wanted), '/proc/self/fd/3'], { stdio: [...stdio] }).status === 0) {
      return;
    }
  }
}

/** Free space is a guess while others write; only a refusal is certain. */
function fill(fd: number): boolean {
  try {
    for (let written = 0; written < MOST_AT_ONCE; written += PAGE.length) {
      writeSync(fd, PAGE, 0, PAGE.length, fstatSync(fd).size);
    }
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      return true;
    }
    throw error;
  }
}

/** The detectors go on writing where the station cannot see it. */
export const sourceUnmounted: Fault = async ({ places }, { lasts }) => {
  if (isHidden) {
    return 0;
  }
  isHidden = true;
  hideSource(places);
  try {
    await pause(lasts * 1000);
  } finally {
    showSource(places);
    isHidden = false;
  }
  return 1;
};
