import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '../../support/wait-for.ts';
import type { Fault } from './fault.ts';

/** A station that starts again, or is stopped again and again to meet a copy, fetches nothing for some seconds. */
const LOOKING_MS = 40_000;
const LOOK_MS = 20;

let isCut = false;

/**
 * Breaks all connections to the other machine while it works for the station, and lets nobody in for a while. So that
 * it is at work, an upload from there becomes due.
 */
export const sshCut: Fault = async ({ sshd, detector }, { lasts }) => {
  if (sshd === undefined || isCut) {
    return 0;
  }
  isCut = true;
  try {
    detector.writeFarUpload();
    const atWork = { timeoutMs: LOOKING_MS, everyMs: LOOK_MS, what: 'the other machine to be asked for something' };
    const broken = await waitFor(() => sshd.isAtWork() && sshd.cut(), atWork).catch(() => 0);
    if (broken === 0) {
      return 0;
    }
    await sshd.stop();
    try {
      await pause(lasts * 1000);
    } finally {
      await sshd.start();
    }
    return 1;
  } finally {
    isCut = false;
  }
};
