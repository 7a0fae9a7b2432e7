import { parseArgs } from 'node:util';
import type { ReaderDefinition } from '../../../src/catalog/readers/definitions/reader-definition.js';
import type { IsolatedMetadataReaders } from '../../../src/catalog/readers/isolated-metadata-readers.js';
import type { ReaderProcess, ReaderProcessOptions } from '../../../src/catalog/readers/process/reader-process.js';
import { BenchProblem } from '../pieces/bench-problem.ts';
import { machineFacts } from '../pieces/machine.ts';
import { processUsage } from '../pieces/process-usage.ts';
import { table, writeReport } from '../pieces/report.ts';
import { atTheEnd } from '../pieces/tidy-up.ts';
import { tmpfsFolder } from '../pieces/tmpfs.ts';
import { type LoopFacts, LoopWatch } from './loop-watch.ts';
import { type FormatSet, readerSets } from './reader-sets.ts';

/** As the station asks: some at a time, so that the reader never waits for the next question. */
const AT_A_TIME = 8;
const WARM_UP = 50;
/** What the issue allows. */
const MOST_LOOP_BUSY_MS = 50;

interface Result {
  set: FormatSet;
  filesPerSecond: number;
  seconds: number;
  /** Of this process. */
  loop: LoopFacts;
}

/** Metadata readers: files per second for each format, and how long the asking process is held up by them at most. */
export async function readers(args: string[]): Promise<number> {
  const filesPerFormat = filesOf(args);
  const startedAt = performance.now();
  const sets = readerSets(tmpfsFolder(2 ** 30), filesPerFormat);
  const { process: child, readers: metadataReaders } = await openReaders();
  const results: Result[] = [];
  for (const set of sets) {
    await readAll(metadataReaders, set.paths.slice(0, WARM_UP), set);
    const watch = new LoopWatch();
    const from = performance.now();
    await readAll(metadataReaders, set.paths, set);
    const seconds = (performance.now() - from) / 1000;
    results.push({ set, seconds, filesPerSecond: set.paths.length / seconds, loop: watch.stop() });
  }
  const worst = (what: keyof LoopFacts) => Math.max(...results.map(({ loop }) => loop[what]));
  const loopBusyMaxMs = worst('busyMaxMs');
  const figures: Record<string, number> = {
    ...Object.fromEntries(results.map(({ set, filesPerSecond }) => [`${set.name}FilesPerSecond`, filesPerSecond])),
    loopDelayP99Ms: worst('delayP99Ms'),
    loopDelayMaxMs: worst('delayMaxMs'),
    loopBusyMaxMs,
    readerPeakResidentBytes: child.pid === undefined ? 0 : processUsage(child.pid).peakResidentBytes,
    filesPerFormat,
  };
  const rows = results.map(({ set, seconds, filesPerSecond, loop }) => [
    set.name,
    String(set.distinct),
    (set.bytes / set.paths.length / 1000).toFixed(1),
    seconds.toFixed(2),
    filesPerSecond.toFixed(0),
    loop.delayP99Ms.toFixed(1),
    loop.delayMaxMs.toFixed(1),
    loop.busyMaxMs.toFixed(1),
  ]);
  process.stdout.write(
    `${table(['format', 'different files', 'mean KB', 'seconds', 'files/s', 'loop p99 ms', 'loop max ms', 'busy max ms'], rows)}\n`,
  );
  const file = writeReport({
    bench: 'readers',
    finishedAt: new Date().toISOString(),
    seconds: (performance.now() - startedAt) / 1000,
    figures,
    ratios: {},
    ratioSpreads: {},
    peers: {},
    machine: machineFacts(),
    settings: { atATime: AT_A_TIME },
    runs: Object.fromEntries(results.map(({ set, seconds }) => [set.name, { station: [seconds] }])),
  });
  process.stderr.write(`\nwritten to ${file}\n`);
  if (loopBusyMaxMs >= MOST_LOOP_BUSY_MS) {
    throw new BenchProblem(`The event loop was held up for ${loopBusyMaxMs.toFixed(1)} ms; the goal is below 50 ms.`);
  }
  return 0;
}

function filesOf(args: string[]): number {
  const { values } = parseArgs({ args, options: { files: { type: 'string', default: '1000' } } });
  const files = Number(values.files);
  if (!Number.isInteger(files) || files < 1) {
    throw new BenchProblem(`--files ${values.files} is not a whole number above 0`);
  }
  return files;
}

/** Fails where a file is not read as what it is: a fast wrong answer is none. */
async function readAll(reading: IsolatedMetadataReaders, paths: readonly string[], set: FormatSet): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
      const { format, raw } = await reading.read(path, path);
      if (format !== set.format || raw === null) {
        throw new BenchProblem(`${path} was read as ${format}, not as ${set.format}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
}

/** The built ones: the sources need a compiler. */
async function openReaders(): Promise<{ process: ReaderProcess; readers: IsolatedMetadataReaders }> {
  const built = <T>(path: string) =>
    import(new URL(`../../../dist/src/catalog/readers/${path}`, import.meta.url).href) as Promise<T>;
  const { ReaderProcess: Process } = await built<{
    ReaderProcess: new (options: ReaderProcessOptions) => ReaderProcess;
  }>('process/reader-process.js');
  const { IsolatedMetadataReaders: Readers } = await built<{
    IsolatedMetadataReaders: new (
      readers: () => Promise<readonly ReaderDefinition[]>,
      process: ReaderProcess,
    ) => IsolatedMetadataReaders;
  }>('isolated-metadata-readers.js');
  const { withBuiltIns } = await built<{
    withBuiltIns(stored: readonly ReaderDefinition[]): ReaderDefinition[];
  }>('definitions/reader-definition.js');
  const child = new Process({ idleMs: 60_000, heapMegabytes: 512 });
  const readers = new Readers(() => Promise.resolve(withBuiltIns([])), child);
  atTheEnd(() => readers.close());
  return { process: child, readers };
}
