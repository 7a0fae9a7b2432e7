import { readdirSync } from 'node:fs';
import { relative } from 'node:path';
import { BALLAST } from '../faults/mounts.ts';
import { MONITORED, type Traffic, UPLOADED } from '../traffic.ts';
import type { World } from '../world.ts';
import { digestsBelow } from './digests.ts';
import type { DocumentFact, Evidence, Finding, LedgerFact, ReplicaFact } from './evidence.ts';
import { judge } from './judge.ts';

/** Files of the station at the root of the storage area. */
const ROOT_FILES = ['.dm-storage', BALLAST];

/** Everything that is wrong, of all experiments. Nothing may be under way. */
export async function check(world: World, traffic: Traffic): Promise<(Finding & { experiment: string })[]> {
  const findings: (Finding & { experiment: string })[] = [];
  for (const [experiment, directory] of [
    [MONITORED, world.detector.monitored],
    [UPLOADED, world.detector.uploads],
  ] as const) {
    const evidence = await collect(world, traffic, experiment, directory);
    findings.push(...judge(evidence).map((finding) => ({ ...finding, experiment })));
  }
  findings.push(...filesOutside(world, traffic));
  findings.push(...(await failedAcquisitions(world)));
  return findings;
}

async function collect(
  { station, damaged }: World,
  traffic: Traffic,
  experiment: string,
  source: string,
): Promise<Evidence> {
  const [sources, stored] = [await digestsBelow(source), await digestsBelow(traffic.storageDirectory(experiment))];
  const rows = await station.sql<{
    id: string;
    path: Buffer;
    version: number | null;
    state: string;
    md5_sum: string | null;
    reason: string | null;
    reprocesses: string | null;
  }>(
    `SELECT l.id, l.destination_path AS path, l.version, l.state, l.md5_sum, l.reason, l.reprocesses
     FROM ledger l JOIN experiment e ON e.id = l.experiment_id WHERE e.name = $1`,
    [experiment],
  );
  const copies = await station.sql<{ ledger_id: string; location: Buffer; md5_sum: string | null }>(
    `SELECT r.ledger_id, coalesce(r.location, l.destination_path) AS location, r.md5_sum
     FROM replica r JOIN ledger l ON l.id = r.ledger_id JOIN experiment e ON e.id = l.experiment_id WHERE e.name = $1`,
    [experiment],
  );
  return {
    sources: new Map([...sources].map(([path, md5Sum]) => [`data/${path}`, md5Sum])),
    stored,
    ledger: rows.map(({ path, md5_sum, ...row }): LedgerFact => ({
      ...row,
      path: path.toString('latin1'),
      md5Sum: md5_sum,
    })),
    replicas: copies.map((copy): ReplicaFact => ({
      ledgerId: copy.ledger_id,
      location: copy.location.toString('latin1'),
      md5Sum: copy.md5_sum,
    })),
    documents: await station.lines<DocumentFact>(`/experiments/${experiment}/files`),
    statistics: await station.ask<{ countFiles: number }>('GET', `/experiments/${experiment}/stats`),
    damaged,
  };
}

function filesOutside({ places }: World, traffic: Traffic): (Finding & { experiment: string })[] {
  const known = [MONITORED, UPLOADED].map((name) => `${traffic.storageDirectory(name)}/`);
  return readdirSync(places.storage, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .filter((path) => !known.some((directory) => path.startsWith(directory)))
    .map((path) => relative(places.storage, path))
    .filter((path) => !ROOT_FILES.includes(path))
    .map((path) => ({ experiment: '', breach: 'phantom', path, detail: 'a file outside of all experiments' }));
}

/** Faults are the station's to live through: an upload that gives up is one that a person has to see to. */
async function failedAcquisitions({ station }: World): Promise<(Finding & { experiment: string })[]> {
  const failed = await station.sql<{ status: string; error_message: string | null; source_directory: Buffer }>(
    `SELECT status, error_message, source_directory FROM acquisition WHERE status IN ('failed', 'aborted')`,
  );
  return failed.map(({ status, error_message, source_directory }) => ({
    experiment: UPLOADED,
    breach: 'other',
    path: source_directory.toString(),
    detail: `the acquisition is ${status}: ${error_message ?? 'no reason'}`,
  }));
}
