import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BenchProblem } from '../pieces/bench-problem.ts';
import { machineFacts } from '../pieces/machine.ts';
import { processUsage } from '../pieces/process-usage.ts';
import { benchDirectory, type Report, table, writeReport } from '../pieces/report.ts';
import { BenchStation } from '../pieces/station.ts';
import { tmpfsFolder } from '../pieces/tmpfs.ts';
import { BYTES_A_FILE, makeEmptyFiles } from './empty-tree.ts';
import { type BacklogOptions, parseOptions } from './options.ts';
import { ResidentSampler, residentSizes } from './resident-sizes.ts';

const EXPERIMENT = 'backlog';
/** What tells the station that its storage area is mounted. */
const MARKER = '.dm-storage';
const MB = 1e6;
const LOOK_MS = 2000;
/** No file for this long means that none will come. */
const STALL_LIMIT_MS = 180_000;

interface Counts {
  found: number;
  settling: number;
  done: number;
}

/** What the station holds in memory while very many files wait for a storage area that is away. */
export async function backlog(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    return 2;
  }
  const startedAt = performance.now();
  const machine = machineFacts();
  const memory = tmpfsFolder(options.files * BYTES_A_FILE * 1.1 + 64 * 2 ** 20);
  const sourceRoot = join(memory, 'source');
  const storageRoot = join(memory, 'storage');
  say(`${options.files} files are made in ${sourceRoot}`);
  mkdirSync(sourceRoot, { recursive: true });
  makeEmptyFiles(join(sourceRoot, EXPERIMENT), options.files);
  const station = await BenchStation.start({ directory: benchDirectory(), storageRoot, sourceRoot });
  const sampler = new ResidentSampler(station.pid);
  sampler.start();
  const figures = await measure(station, sampler, options, storageRoot, sourceRoot);
  await sampler.stop();
  const report: Report = {
    bench: 'backlog',
    finishedAt: new Date().toISOString(),
    seconds: (performance.now() - startedAt) / 1000,
    figures,
    ratios: {},
    ratioSpreads: {},
    peers: {},
    machine,
    settings: { ...options, filesOn: memory, databaseOn: benchDirectory() },
    runs: {},
  };
  const rows = Object.entries(figures).map(([name, value]) => [name, value.toFixed(0)]);
  process.stdout.write(`${table(['backlog', 'value'], rows)}\n`);
  say(`written to ${writeReport(report)}`);
  return 0;
}

async function measure(
  station: BenchStation,
  sampler: ResidentSampler,
  options: BacklogOptions,
  storageRoot: string,
  sourceRoot: string,
): Promise<Record<string, number>> {
  const idle = residentSizes(station.pid);
  await station.post('/api/v1/experiments', { name: EXPERIMENT });
  const startedAt = performance.now();
  const { id } = await station.post<{ id: string }>('/api/v1/acquisitions', {
    kind: 'upload',
    experiment: EXPERIMENT,
    dataDirectory: join(sourceRoot, EXPERIMENT),
    quietSeconds: options.quietSeconds,
  });
  // As if its mount had gone. No file is complete before its quiet time is over, so none has come through.
  renameSync(join(storageRoot, MARKER), join(storageRoot, `${MARKER}.away`));
  await until(station, sampler, id, `${options.files} to be found`, ({ found }) => found >= options.files);
  const foundSeconds = (performance.now() - startedAt) / 1000;
  await until(station, sampler, id, 'all to be complete', ({ settling }) => settling === 0);
  const waitingSeconds = (performance.now() - startedAt) / 1000;
  const beforeHold = processUsage(station.pid);
  await pause(options.holdSeconds * 1000);
  const afterHold = processUsage(station.pid);
  const held = await countsOf(station, id);
  if (held.found !== options.files || held.done !== 0) {
    throw new BenchProblem(`They were to wait, all of them: ${JSON.stringify(held)}`);
  }
  const atRest = residentSizes(station.pid);
  const waitingPeak = afterHold.peakResidentBytes;
  renameSync(join(storageRoot, `${MARKER}.away`), join(storageRoot, MARKER));
  await until(station, sampler, id, `${options.drainFiles} to be done`, ({ done }) => done >= options.drainFiles);
  const after = processUsage(station.pid);
  return {
    residentPeakMb: after.peakResidentBytes / MB,
    residentPeakWaitingMb: waitingPeak / MB,
    residentAtRestMb: atRest.station / MB,
    residentIdleMb: idle.station / MB,
    databaseResidentMb: sampler.largest.database / MB,
    databaseIdleMb: idle.database / MB,
    files: options.files,
    seconds: foundSeconds,
    waitingSeconds,
    stationCpuSeconds: after.station,
    databaseCpuSeconds: after.children,
    holdStationCpuSeconds: afterHold.station - beforeHold.station,
    holdDatabaseCpuSeconds: afterHold.children - beforeHold.children,
  };
}

async function until(
  station: BenchStation,
  sampler: ResidentSampler,
  id: string,
  what: string,
  isReached: (counts: Counts) => boolean,
): Promise<void> {
  let last = '';
  let changedAt = performance.now();
  for (;;) {
    const counts = await countsOf(station, id);
    if (isReached(counts)) {
      return;
    }
    if (JSON.stringify(counts) !== last) {
      last = JSON.stringify(counts);
      changedAt = performance.now();
    } else if (performance.now() - changedAt > STALL_LIMIT_MS) {
      throw new BenchProblem(`Nothing happens for ${STALL_LIMIT_MS / 1000} s, waiting for ${what}: ${last}`);
    }
    tell(sampler, counts);
    await pause(LOOK_MS);
  }
}

async function countsOf(station: BenchStation, id: string): Promise<Counts> {
  return (await station.get<{ counts: Counts }>(`/api/v1/acquisitions/${id}`)).counts;
}

function tell(sampler: ResidentSampler, counts: Counts): void {
  const { station = 0, database = 0 } = sampler.samples.at(-1) ?? {};
  say(
    `found ${counts.found}, done ${counts.done}; station ${(station / MB).toFixed(0)} MB, database ${(database / MB).toFixed(0)} MB`,
  );
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
