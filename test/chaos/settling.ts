import { lstatSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Traffic } from './traffic.ts';
import type { World } from './world.ts';

/** Promised: so long after the last thing was mended all is done, the station's own start included. */
export const SETTLE_SECONDS = 60;
/** Waited before it is given up, to tell late from never. */
const PATIENCE_SECONDS = 180;
const LOOK_MS = 250;
const TELL_SECONDS = 5;

export interface Settled {
  seconds: number;
  /** What was still open; undefined when nothing was. */
  open: string | undefined;
}

/**
 * Waits until every file that the detectors wrote is done and nothing is under way, seen in the database. `mendedAt`, by
 * the clock of `performance`: from when on nothing but the station itself was in its way.
 */
export async function settle(world: World, traffic: Traffic, mendedAt: number): Promise<Settled> {
  const files = world.detector.count();
  for (let nextWord = TELL_SECONDS; ;) {
    const open = await whatIsOpen(world, traffic, files).catch((error: unknown) => String(error));
    const seconds = (performance.now() - mendedAt) / 1000;
    if (open === undefined || seconds > PATIENCE_SECONDS) {
      return { seconds, open };
    }
    if (seconds > nextWord) {
      world.timeline.say(`not settled yet: ${open}`);
      nextWord += TELL_SECONDS;
    }
    await pause(LOOK_MS);
  }
}

async function whatIsOpen(world: World, traffic: Traffic, files: number): Promise<string | undefined> {
  if (!traffic.isAllAsked) {
    return 'uploads that the station has not accepted yet';
  }
  const [counts] = await world.station.sql<{ rows: number; uploads: number; done: number }>(
    `SELECT (SELECT count(*)::int FROM ledger WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined')) AS rows,
       (SELECT count(*)::int FROM acquisition WHERE kind = 'upload' AND ended_at IS NULL) AS uploads,
       (SELECT count(DISTINCT (experiment_id, destination_key))::int FROM ledger WHERE state = 'done') AS done`,
  );
  const { rows, uploads, done } = counts!;
  if (rows > 0 || uploads > 0 || done < files) {
    return `${rows} rows under way (${await whyOpen(world)}), ${uploads} uploads, ${done} of ${files} files done`;
  }
  return unseenRewrite(world);
}

/** The commonest states with their reasons, and how long the last of them still waits. */
async function whyOpen({ station }: World): Promise<string> {
  const groups = await station.sql<{ state: string; reason_code: string | null; count: number; due: number }>(
    `SELECT state, reason_code, count(*)::int AS count, round(extract(epoch FROM max(due_at) - now()))::int AS due
     FROM ledger WHERE state NOT IN ('done', 'skipped', 'cancelled', 'quarantined') GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 4`,
  );
  return groups.map((one) => `${one.count} ${one.state} ${one.reason_code ?? ''} due in ${one.due} s`).join(', ');
}

/** A file that was written again counts as done in its older version until the newer one has been seen. */
async function unseenRewrite({ station, detector, places }: World): Promise<string | undefined> {
  const paths = [...detector.rewritten];
  const rows = await station.sql<{ source_path: Buffer; mtime_ns: string }>(
    `SELECT source_path, max(mtime_ns)::text AS mtime_ns FROM ledger WHERE source_path = ANY($1::bytea[]) GROUP BY 1`,
    [paths.map((path) => Buffer.from(join(places.source, relative(places.detector, path))))],
  );
  const seen = new Map(rows.map((row) => [row.source_path.toString(), BigInt(row.mtime_ns)]));
  const unseen = paths.find((path) => {
    const newest = seen.get(join(places.source, relative(places.detector, path))) ?? 0n;
    return newest < lstatSync(path, { bigint: true }).mtimeNs;
  });
  return unseen === undefined ? undefined : `the new content of ${unseen}`;
}
