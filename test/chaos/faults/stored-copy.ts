import { createHash } from 'node:crypto';
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomNumbers } from '../../bench/pieces/random.ts';
import { waitFor } from '../../support/wait-for.ts';
import { FAR_HOST } from '../far-host.ts';
import { type Traffic, UPLOADED } from '../traffic.ts';
import type { World } from '../world.ts';

/** The audit reads everything that the run has stored so far. */
const AUDIT_MS = 300_000;
/** What an audit says of files that nothing is the matter with. */
const INFORMATION = ['permissions', 'source-changed', 'source-gone'];

interface Audit {
  id: string;
  status: string;
  findings: Record<string, number>;
  repairs: Record<string, number>;
}

/** `what`: sentences on what the station did not do about it. */
export interface LateFault {
  struck: number;
  what: string[];
}

/**
 * Changes one byte of a copy that was proven, stored and cataloged, as a disk does that fails slowly: size and time stay
 * as they were. A deep audit must find that copy and no other, and put a good one in its place. Struck is a copy that
 * was found and repaired; that it holds the right bytes again is for the checks to see.
 */
export async function storedCopyDamaged(world: World, traffic: Traffic, seed: number): Promise<LateFault> {
  const place = await placeOfACopy(world, seed);
  if (place === undefined) {
    return { struck: 0, what: [] };
  }
  world.damaged.add(damage(join(traffic.storageDirectory(UPLOADED), place)));
  const audit = await auditWithRepair(world);
  const serious = Object.entries(audit.findings).filter(([kind]) => !INFORMATION.includes(kind));
  const { items } = await world.station.ask<{ items: { path: string }[] }>(
    'GET',
    `/audits/${audit.id}/findings?kind=changed`,
  );
  const isFoundAlone = serious.length === 1 && items.length === 1 && items[0]?.path === place;
  const what = [
    ...(audit.status === 'done' ? [] : [`the audit of a damaged copy is ${audit.status}`]),
    ...(isFoundAlone ? [] : [`${place} was damaged; an audit found ${JSON.stringify([audit.findings, items])}`]),
    ...(audit.repairs['repaired'] === 1 ? [] : [`its repair: ${JSON.stringify(audit.repairs)}`]),
  ];
  return { struck: Number(what.length === 0), what };
}

/**
 * The newest version of a file that lies on this machine, and still holds it: without good content there is nothing to
 * repair from.
 */
async function placeOfACopy({ station }: World, seed: number): Promise<string | undefined> {
  const rows = await station.sql<{ location: Buffer }>(
    `SELECT DISTINCT ON (l.destination_key) coalesce(r.location, l.destination_path) AS location
     FROM ledger l JOIN replica r ON r.ledger_id = l.id JOIN experiment e ON e.id = l.experiment_id
     WHERE e.name = $1 AND l.state = 'done' AND l.source_host <> $2
     ORDER BY l.destination_key, l.version DESC`,
    [UPLOADED, FAR_HOST],
  );
  return rows[Math.floor(randomNumbers(seed)() * rows.length)]?.location.toString();
}

/** Answers the MD5 of what the file holds now. */
function damage(path: string): string {
  const { atime, mtime } = statSync(path);
  const content = readFileSync(path);
  content[0] = content[0]! ^ 0xff;
  writeFileSync(path, content.subarray(0, 1), { flag: 'r+' });
  utimesSync(path, atime, mtime);
  return createHash('md5').update(content).digest('hex');
}

async function auditWithRepair({ station }: World): Promise<Audit> {
  const body = { experiment: UPLOADED, deep: true, repair: ['changed'] };
  const { id } = await station.ask<Audit>('POST', '/audits', body);
  return waitFor(
    async () => {
      const audit = await station.ask<Audit>('GET', `/audits/${id}`);
      const isOver = ['done', 'stopped', 'failed'].includes(audit.status) && audit.repairs['requested'] === 0;
      return isOver ? audit : undefined;
    },
    { timeoutMs: AUDIT_MS, everyMs: 100, what: `audit ${id} and its repairs` },
  );
}
