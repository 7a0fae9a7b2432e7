import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BenchProblem } from '../pieces/bench-problem.ts';
import { DoneFeed } from '../pieces/done-feed.ts';
import { machineFacts } from '../pieces/machine.ts';
import { processUsage } from '../pieces/process-usage.ts';
import { benchDirectory, type Report, table, writeReport } from '../pieces/report.ts';
import { BenchStation } from '../pieces/station.ts';
import { percentile } from '../pieces/statistics.ts';
import { tmpfsFolder } from '../pieces/tmpfs.ts';
import { Detector } from './detector.ts';
import { type LatencyOptions, parseOptions } from './options.ts';

const WARM_UP_FILES = 300;

interface LedgerPage {
  items: { path: string; doneAt: string | null }[];
  nextCursor: string | null;
}

/** How long after a file is complete it is verified and cataloged, while files arrive at a steady rate. */
export async function latency(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    return 2;
  }
  const startedAt = performance.now();
  const files = options.filesPerSecond * options.seconds;
  const memory = tmpfsFolder((files + WARM_UP_FILES) * options.fileBytes * 2 + 64 * 2 ** 20);
  const sourceRoot = join(memory, 'source');
  const station = await BenchStation.start({
    directory: benchDirectory(),
    storageRoot: join(memory, 'storage'),
    sourceRoot,
  });
  const feed = await DoneFeed.open(station);
  await run(station, feed, join(sourceRoot, 'warm-up'), {
    ...options,
    seconds: WARM_UP_FILES / options.filesPerSecond,
  });
  const before = processUsage(station.pid);
  const { latencies, lateMs } = await run(station, feed, join(sourceRoot, 'measured'), options);
  const after = processUsage(station.pid);
  const quietMs = options.quietSeconds * 1000;
  const figures = {
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    maxMs: Math.max(...latencies),
    quietMs,
    p50AboveQuietMs: percentile(latencies, 0.5) - quietMs,
    p99AboveQuietMs: percentile(latencies, 0.99) - quietMs,
    filesPerSecond: options.filesPerSecond,
    files: latencies.length,
    writerLateMaxMs: lateMs,
    stationCpuSeconds: after.station - before.station,
    databaseCpuSeconds: after.children - before.children,
  };
  const report: Report = {
    bench: 'latency',
    finishedAt: new Date().toISOString(),
    seconds: (performance.now() - startedAt) / 1000,
    figures,
    ratios: {},
    ratioSpreads: {},
    peers: {},
    machine: machineFacts(),
    settings: { ...options, filesOn: memory, databaseOn: benchDirectory() },
    runs: {},
  };
  const rows = Object.entries(figures).map(([name, value]) => [name, value.toFixed(1)]);
  process.stdout.write(`${table(['latency', 'value'], rows)}\n`);
  process.stderr.write(`\nwritten to ${writeReport(report)}\n`);
  return 0;
}

/** A monitor of a fresh directory, into which the detector writes. */
async function run(
  station: BenchStation,
  feed: DoneFeed,
  directory: string,
  options: LatencyOptions,
): Promise<{ latencies: number[]; lateMs: number }> {
  mkdirSync(directory, { recursive: true });
  const experiment = `latency-${directory.split('/').at(-1) ?? ''}`;
  await station.post('/api/v1/experiments', { name: experiment });
  const { id } = await station.post<{ id: string }>('/api/v1/acquisitions', {
    kind: 'monitor',
    experiment,
    dataDirectory: directory,
    quietSeconds: options.quietSeconds,
  });
  const detector = new Detector(directory, options);
  await detector.write();
  await feed.lastDone(id, detector.completedAt.size);
  const doneAt = await doneTimes(station, experiment);
  const latencies = [...detector.completedAt].map(([name, completedAt]) => {
    const done = doneAt.get(`data/${name}`);
    if (done === undefined) {
      throw new BenchProblem(`${name} was written, and the ledger does not say when it was done.`);
    }
    return done - completedAt;
  });
  await station.post(`/api/v1/acquisitions/${id}/stop`, {});
  await feed.ended(id);
  return { latencies, lateMs: detector.lateMs };
}

/** By the clock of the database, which is that of this machine. */
async function doneTimes(station: BenchStation, experiment: string): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (let cursor: string | null = ''; cursor !== null;) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: LedgerPage = await station.get(`/api/v1/experiments/${experiment}/ledger?limit=500${after}`);
    for (const { path, doneAt } of page.items) {
      if (doneAt !== null) {
        times.set(path, Date.parse(doneAt));
      }
    }
    cursor = page.nextCursor;
  }
  return times;
}
