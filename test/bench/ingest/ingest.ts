import { join } from 'node:path';
import { DoneFeed } from '../pieces/done-feed.ts';
import { machineFacts } from '../pieces/machine.ts';
import { versionsOf } from '../pieces/peers.ts';
import { benchDirectory, type Report, writeReport } from '../pieces/report.ts';
import { BenchStation } from '../pieces/station.ts';
import { tmpfsFolder } from '../pieces/tmpfs.ts';
import { type IngestOptions, parseOptions } from './options.ts';
import { type SetResult, runSet } from './run-set.ts';
import { bytesNeeded, makeSets, makeWarmUp, plansOf } from './sets.ts';
import { summaryOf, tablesOf } from './summary.ts';
import { StationUploads } from './station-uploads.ts';

/** From the request to the last file verified and cataloged, beside what people use for copying today. */
export async function ingest(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    return 2;
  }
  const startedAt = performance.now();
  const machine = machineFacts();
  const plans = plansOf(options.set, options.files, options.largeBytes);
  const peers = versionsOf(plans.flatMap((plan) => plan.peers));
  announceMissing(plans, peers);
  const memory = tmpfsFolder(bytesNeeded(plans));
  say(`making files in ${memory} …`);
  const sources = join(memory, 'source');
  const sets = makeSets(plans, sources);
  const warmUp = makeWarmUp(sources);
  say('starting the station …');
  const station = await startStation(memory, sources, options);
  const uploads = new StationUploads(station, await DoneFeed.open(station));
  await uploads.warmUp(warmUp);
  const results: SetResult[] = [];
  for (const set of sets) {
    results.push(await runSet(set, options.rounds, { uploads, memory, versions: peers, say }));
  }
  const report: Report = {
    bench: 'ingest',
    finishedAt: new Date().toISOString(),
    seconds: (performance.now() - startedAt) / 1000,
    ...summaryOf(results),
    peers,
    machine,
    settings: { rounds: options.rounds, set: options.set, filesOn: memory, databaseOn: benchDirectory() },
    runs: Object.fromEntries(results.map((result) => [result.set.name, result.seconds])),
  };
  process.stdout.write(tablesOf(report, results));
  say(`\nwritten to ${writeReport(report)}`);
  return 0;
}

function startStation(memory: string, sources: string, options: IngestOptions): Promise<BenchStation> {
  return BenchStation.start(
    {
      directory: benchDirectory(),
      storageRoot: join(memory, 'storage'),
      sourceRoot: sources,
    },
    options.profileDirectory === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${options.profileDirectory}`, '--cpu-prof-interval=500'],
  );
}

/** Loudly: a table without the peer that one loses to looks good. */
function announceMissing(plans: ReturnType<typeof plansOf>, versions: Record<string, string>): void {
  for (const program of new Set(plans.flatMap((plan) => plan.peers.flatMap((peer) => peer.programs)))) {
    if (versions[program] === undefined) {
      say(`!!! ${program} IS NOT INSTALLED: every ratio that needs it is left out (apt-get install ${program}).`);
    }
  }
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
