import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { FileAnswer, LedgerRow, Statistics } from '../../src/cli/api-types.js';
import { findClusterProcesses } from '../../src/platform/embedded-postgres/cluster-processes.js';
import { SeededRandom } from '../../src/tools/detector/random.js';
import { md5sumOfTree } from '../support/md5sum.js';
import { isRunning, processesNaming } from '../support/process-tree.js';
import { aStation, type TestStation } from '../support/station.js';
import { waitFor } from '../support/wait-for.js';

const FILES = 2000;
/** After the one that comes right behind the start of the upload. */
const KILLS = 20;
const FOLDERS = 8;
/** `DM_TEST_SEED=7 npm test -- test/e2e/crash.spec.ts` repeats a run's moments. */
const seed = Number(process.env['DM_TEST_SEED'] ?? Date.now() % 1_000_000);

/** When to kill what: at work, after so many files have reached storage, or in the middle of the start after a kill. */
type Moment = { what: 'the station' | 'the whole tree'; delayMs: number } & (
  { when: 'at work'; stored: number } | { when: 'at its start' }
);

describe(`kill -9 in the middle of an upload (DM_TEST_SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  // Many small batches: a kill can hit every step of one, and the steps of several at once.
  const station = aStation({ env: { DM_DAQ_BATCH_FILES: '60', DM_QUIET_SECONDS: '0' } });

  it(`loses, doubles and halves none of ${FILES} files over ${KILLS} kills`, { timeout: 420_000 }, async () => {
    const source = join(station().detector, 'scan');
    writeSourceFiles(source, random);
    const { storageDirectory } = await station().createExperiment('crash');
    const destination = join(storageDirectory, 'data');
    const { id } = await station().startAcquisition({ kind: 'upload', experiment: 'crash', dataDirectory: source });
    await station().killStation();

    const kills: string[] = [];
    let foundCutOff = 0;
    for (const moment of momentsOf(random)) {
      const stored = await killAt(station(), moment, destination);
      foundCutOff += station().process.output.includes('were in work when the station stopped') ? 1 : 0;
      kills.push(`${moment.what} ${moment.when} (${stored} files in storage)`);
      // Fewer files in storage than there are: whatever this kill hit, the upload was under way.
      expect(stored, kills.join(', ')).toBeLessThan(FILES);
    }
    console.log(`kills: ${kills.join(', ')}; ${foundCutOff} starts found files whose work had been cut off`);
    // Most moments fall into the work on a batch, and these are what the test is about.
    expect(foundCutOff).toBeGreaterThan(KILLS / 3);
    await station().restart();

    const acquisition = await station().ended(id, 120_000);
    expect(acquisition).toMatchObject({ status: 'done', errorMessage: null });
    expect(acquisition.counts).toMatchObject({ found: FILES, done: FILES, failed: 0, quarantined: 0, skipped: 0 });

    const [atSource, atDestination] = await Promise.all([md5sumOfTree(source), md5sumOfTree(destination)]);
    expect(atSource.size).toBe(FILES);
    expect(atDestination).toEqual(atSource);
    await expectRecords(station(), atSource);
    expect(filesBelow(station().storage).length, 'files in storage: the uploaded ones and the marker').toBe(FILES + 1);
    expect(await station().api.get('/alarms')).toMatchObject({ items: [] });

    await station().stop();
    await expectNothingRuns(station());
  });
});

/** Fifteen moments spread over the work, some of them a random while after a file arrived, and five in starts. */
function momentsOf(random: SeededRandom): Moment[] {
  const thresholds = Array.from({ length: KILLS }, () => random.integer(1, FILES * 0.9)).sort((a, b) => a - b);
  return thresholds.map((stored, index) => {
    const what = index % 2 === 0 ? 'the station' : 'the whole tree';
    return index % 4 === 3
      ? { what, when: 'at its start', delayMs: random.integer(0, 1500) }
      : { what, when: 'at work', stored, delayMs: random.next() < 0.66 ? random.integer(0, 40) : 0 };
  });
}

/** Answers how many files were in storage after the kill. */
async function killAt(station: TestStation, moment: Moment, destination: string): Promise<number> {
  if (moment.when === 'at its start') {
    station.launch();
  } else {
    await station.restart();
    await waitFor(() => filesBelow(destination).length >= moment.stored, {
      timeoutMs: 60_000,
      everyMs: 2,
      what: `${moment.stored} files in storage`,
    });
  }
  await pause(moment.delayMs);
  await (moment.what === 'the station' ? station.killStation() : station.killTree());
  return filesBelow(destination).filter((name) => !name.startsWith('.dm-')).length;
}

async function expectRecords(station: TestStation, digests: ReadonlyMap<string, string>): Promise<void> {
  const expected = new Map([...digests].map(([path, md5Sum]) => [`data/${path}`, md5Sum]));
  const rows = await station.api.allItems<LedgerRow>('/experiments/crash/ledger');
  expect(rows.length, 'ledger rows').toBe(FILES);
  expect(rows.filter((row) => row.state !== 'done' || row.version !== 1)).toEqual([]);
  expect(new Map(rows.map((row) => [row.path, row.md5Sum]))).toEqual(expected);

  const documents = await station.api.allItems<FileAnswer>('/experiments/crash/files');
  expect(documents.length, 'catalog documents').toBe(FILES);
  expect(new Map(documents.map((file) => [file.path, file.md5Sum]))).toEqual(expected);
  const statistics = await station.api.get<Statistics>('/experiments/crash/stats');
  const bytes = documents.reduce((sum, file) => sum + file.sizeBytes, 0);
  expect(statistics).toMatchObject({ countFiles: FILES, totalBytes: bytes });
}

async function expectNothingRuns(station: TestStation): Promise<void> {
  expect([...station.everRunning].filter(isRunning)).toEqual([]);
  expect(await findClusterProcesses(join(station.dataDirectory, 'postgres', 'cluster'))).toEqual([]);
  expect(processesNaming(station.folder)).toEqual([]);
}

/** 2-60 KB each, in nested folders. */
function writeSourceFiles(source: string, random: SeededRandom): void {
  for (let index = 0; index < FILES; index += 1) {
    const folder = join(source, `scan ${index % FOLDERS}`, index % 3 === 0 ? 'raw' : '');
    if (index < FOLDERS * 3) {
      mkdirSync(folder, { recursive: true });
    }
    const content = Buffer.alloc(random.integer(2_000, 60_000));
    for (let at = 0; at + 4 <= content.length; at += 4) {
      content.writeUInt32LE(Math.floor(random.next() * 0x1_0000_0000), at);
    }
    writeFileSync(join(folder, `frame_${String(index).padStart(5, '0')}.tif`), content);
  }
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}
