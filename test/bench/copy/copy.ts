import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LocalTransferEngine } from '../../../src/storage/local/local-transfer-engine.js';
import type { TransferTask } from '../../../src/storage/index.js';
import { BenchProblem } from '../pieces/bench-problem.ts';
import { type Dataset, makeLargeFiles, makeSmallFiles } from '../pieces/dataset.ts';
import { machineFacts } from '../pieces/machine.ts';
import { cpMd5sum, versionsOf } from '../pieces/peers.ts';
import { processUsage } from '../pieces/process-usage.ts';
import { table, writeReport } from '../pieces/report.ts';
import { median } from '../pieces/statistics.ts';
import { tmpfsFolder } from '../pieces/tmpfs.ts';

const THREADS = 2;

/** As the station cuts its work: 500 files, or one that is larger than 256 MiB. */
const setsOf = (files: number, largeBytes: number) => [
  { name: 'smallFiles', batch: 500, make: (folder: string) => makeSmallFiles(folder, files) },
  { name: 'largeFiles', batch: 1, make: (folder: string) => makeLargeFiles(folder, 4, largeBytes) },
  { name: 'singleFile', batch: 1, make: (folder: string) => makeLargeFiles(folder, 1, largeBytes) },
];

interface Run {
  wall: number;
  cpu: number;
}

/** The transfer engine alone, without ledger and catalog, beside `cp` and `md5sum`: what the hardware lets it do. */
export async function copy(args: string[]): Promise<number> {
  const { rounds, files, largeBytes } = parseOptions(args);
  const startedAt = performance.now();
  const memory = tmpfsFolder(9 * largeBytes);
  const engine = await openEngine();
  const figures: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const runs: Record<string, Record<string, number[]>> = {};
  const rows: string[][] = [];
  for (const set of setsOf(files, largeBytes)) {
    const source = join(memory, set.name);
    const data = set.make(source);
    const to = join(memory, 'copy');
    await measured(to, () => transfer(engine, data, to, set.batch)); // the code is warm in a daemon
    const ours: Run[] = [];
    const theirs: Run[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await measured(to, () => transfer(engine, data, to, set.batch)));
      theirs.push(await measured(to, () => cpMd5sum.copy(source, to, join(memory, 'digests'))));
    }
    rmSync(source, { recursive: true });
    const middle = (list: Run[], what: keyof Run) => median(list.map((run) => run[what]));
    runs[set.name] = { engine: ours.map((run) => run.wall), cpMd5sum: theirs.map((run) => run.wall) };
    ratios[`${set.name}CopyVsCpMd5sum`] = middle(ours, 'wall') / middle(theirs, 'wall');
    figures[`${set.name}EngineCpuSeconds`] = middle(ours, 'cpu');
    figures[`${set.name}CpMd5sumCpuSeconds`] = middle(theirs, 'cpu');
    rows.push([
      set.name,
      ...[middle(ours, 'cpu'), middle(theirs, 'cpu'), middle(ours, 'wall'), middle(theirs, 'wall')].map((seconds) =>
        seconds.toFixed(2),
      ),
      (middle(ours, 'wall') / middle(theirs, 'wall')).toFixed(2),
    ]);
  }
  await engine.close();
  figures['peakResidentBytes'] = processUsage(process.pid).peakResidentBytes;
  const header = ['set', 'engine CPU s', 'cp+md5sum CPU s', 'engine wall s', 'cp+md5sum wall s', 'ratio'];
  process.stdout.write(`${table(header, rows)}\n`);
  const file = writeReport({
    bench: 'copy',
    finishedAt: new Date().toISOString(),
    seconds: (performance.now() - startedAt) / 1000,
    figures,
    ratios,
    ratioSpreads: {},
    peers: versionsOf([cpMd5sum]),
    machine: machineFacts(),
    settings: { rounds, threads: THREADS, filesOn: memory },
    runs,
  });
  process.stderr.write(`\nwritten to ${file}\n`);
  return 0;
}

/** `--files` and `--large-mib` are for a quick look. */
function parseOptions(args: string[]): { rounds: number; files: number; largeBytes: number } {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '3' },
      files: { type: 'string', default: '20000' },
      'large-mib': { type: 'string', default: '1024' },
    },
  });
  const positive = (option: 'rounds' | 'files' | 'large-mib') => {
    const number = Number(values[option]);
    if (!Number.isInteger(number) || number < 1) {
      throw new BenchProblem(`--${option} ${values[option]} is not a whole number above 0`);
    }
    return number;
  };
  return { rounds: positive('rounds'), files: positive('files'), largeBytes: positive('large-mib') * 2 ** 20 };
}

/** The built one: the sources need a compiler. */
async function openEngine(): Promise<LocalTransferEngine> {
  const built = new URL('../../../dist/src/storage/local/local-transfer-engine.js', import.meta.url);
  const { LocalTransferEngine: Engine } = (await import(built.href)) as {
    LocalTransferEngine: new (threads: number) => LocalTransferEngine;
  };
  return new Engine(THREADS);
}

/** Wall time and CPU time, that of the children included; what was copied is removed afterwards. */
async function measured(to: string, run: () => Promise<void>): Promise<Run> {
  const before = processUsage(process.pid);
  const startedAt = performance.now();
  await run();
  const wall = (performance.now() - startedAt) / 1000;
  const after = processUsage(process.pid);
  rmSync(to, { recursive: true });
  return { wall, cpu: after.station + after.children - before.station - before.children };
}

async function transfer(engine: LocalTransferEngine, data: Dataset, to: string, batch: number): Promise<void> {
  mkdirSync(to);
  const tasks = data.paths.map((path, index) => taskOf(data.directory, path, to, index));
  const batches = Array.from({ length: Math.ceil(tasks.length / batch) }, (_, index) =>
    tasks.slice(index * batch, (index + 1) * batch),
  );
  const outcomes = (await Promise.all(batches.map((one) => engine.transfer(one)))).flat();
  const failed = outcomes.find((outcome) => outcome.status !== 'published');
  if (outcomes.length !== tasks.length || failed !== undefined) {
    throw new BenchProblem(`Of ${tasks.length} files not all were copied, such as one that ended ${failed?.status}.`);
  }
}

function taskOf(from: string, path: string, to: string, index: number): TransferTask {
  const stats = lstatSync(join(from, path), { bigint: true });
  return {
    id: String(index),
    sourcePath: Buffer.from(join(from, path)),
    sourceRoots: [Buffer.from(from)],
    expected: { sizeBytes: stats.size, mtimeNs: stats.mtimeNs, inode: stats.ino },
    experimentDirectory: Buffer.from(to),
    destinationPath: Buffer.from(path),
    replaces: null,
    mode: 'copy',
    proof: 'read-back',
    fileMode: 0o640,
    directoryMode: 0o770,
  };
}
