import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Server } from '../servers.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';

/** What another fault has just ended is back soon. */
const PATIENCE_MS = 10_000;

/** The station alone: its database lives on without it until the next life finds it. */
export const stationKilled: Fault = ({ station }) => once(() => station.kill(false));

export const stationAndDatabaseKilled: Fault = ({ station }) => once(() => station.kill(true));

/** The first process of the embedded database; the station starts it again. */
export const postgresKilled: Fault = ({ station }) =>
  once(() => {
    const postmaster = station.postmaster();
    if (postmaster === undefined || !isPostgres(postmaster)) {
      return false;
    }
    station.noteProcesses();
    process.kill(postmaster, 'SIGKILL');
    return true;
  });

async function once(kill: () => boolean): Promise<number> {
  return waitFor(kill, { timeoutMs: PATIENCE_MS, what: 'something to kill' }).then(
    () => 1,
    () => 0,
  );
}

export const redisKilled: Fault = (world, { lasts }) => serverKilled(world.redis, lasts);

export const mongoKilled: Fault = (world, { lasts }) => serverKilled(world.mongo, lasts);

async function serverKilled(server: World['redis'] | Server, lasts: number): Promise<number> {
  if (server?.isRunning !== true) {
    return 0;
  }
  await server.kill();
  await pause(lasts * 1000);
  await server.start();
  return 1;
}

/** The id of a server that ended may be another's by now. */
function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('postgres');
  } catch {
    return false;
  }
}
