import { expect } from 'vitest';
import {
  type CatalogFile,
  type FileCatalog,
  type NewCatalogFile,
  parseFilter,
  type UpsertResult,
} from '../../../src/catalog/index.js';
import { addSize, NO_SIZES, statisticsOf } from '../../../src/catalog/statistics/exact-statistics.js';
import { referenceMatches } from './filter-cases.js';

export interface CatalogServer {
  /** A catalog of its own connection, as in another process. */
  open(options?: { queryTimeLimitMs: number }): FileCatalog;
  /** Id of a new experiment. */
  newExperiment(): Promise<number>;
  /** Names of cases that a substitute for the real server cannot run. */
  cannot: ReadonlySet<string>;
}

/** Names of the cases that substitutes cannot run. */
export const NESTED_ARRAYS = 'does not look into arrays within arrays';
export const CONCURRENT_UPDATES = 'loses no change of many at the same time';
export const CONCURRENT_COUNTERS = 'stay exact when several processes write the same files';

export function aFile(facts: Partial<NewCatalogFile> = {}): NewCatalogFile {
  return { path: 'data/a.h5', sizeBytes: 100, modifiedAt: '2026-11-20T08:15:30.123Z', ...facts };
}

/** Files of 0, 1, 2, … bytes, whose paths have the same order. */
export function manyFiles(count: number, facts: Partial<NewCatalogFile> = {}): NewCatalogFile[] {
  return Array.from({ length: count }, (_unused, index) =>
    aFile({ path: `data/${String(index).padStart(6, '0')}.h5`, sizeBytes: index, ...facts }),
  );
}

/** One catalog and one empty experiment in it. */
export class CatalogScene {
  private constructor(
    readonly server: CatalogServer,
    readonly catalog: FileCatalog,
    public experiment: number,
  ) {}

  static async open(server: CatalogServer): Promise<CatalogScene> {
    return new CatalogScene(server, server.open(), await server.newExperiment());
  }

  /** Goes on with another empty experiment. */
  async renew(): Promise<void> {
    this.experiment = await this.server.newExperiment();
  }

  /** Sorted paths of the files that match. */
  async paths(filter: Record<string, unknown>, options: { latestOnly?: boolean } = {}): Promise<string[]> {
    const query = { filter: parseFilter(filter), limit: 1000, ...options };
    const { items } = await this.catalog.query(this.experiment, query);
    return items.map((file) => file.path).sort();
  }

  async everything(): Promise<CatalogFile[]> {
    return everything(this.catalog, this.experiment);
  }

  /** Fails with the filter and the files that one side finds and the other does not. */
  async expectSameMatches(files: NewCatalogFile[], filters: Record<string, unknown>[]): Promise<void> {
    await this.renew();
    await this.catalog.upsertMany(this.experiment, files);
    for (const filter of filters) {
      const found = new Set(await this.paths(filter));
      const expected = new Set(referenceMatches(filter, files));
      const differing = files.filter((file) => found.has(file.path) !== expected.has(file.path));
      expect(JSON.stringify({ filter, differing })).toBe(JSON.stringify({ filter, differing: [] }));
    }
  }

  expectExactStatistics(): Promise<void> {
    return expectExactStatistics(this.catalog, this.experiment);
  }

  /** Three processes record the same 600 files, each twice, all at the same time and in other orders. */
  async writeFromSeveralProcesses(): Promise<UpsertResult[]> {
    const processes = [this.server.open(), this.server.open(), this.server.open()];
    const files = manyFiles(600);
    const rotated = (by: number) => [...files.slice(by), ...files.slice(0, by)];
    try {
      return await Promise.all(
        processes.flatMap((process, index) =>
          [0, 1].map((half) => process.upsertMany(this.experiment, rotated(100 * index + half))),
        ),
      );
    } finally {
      await Promise.all(processes.map((process) => process.close()));
    }
  }
}

/** Compares the counters with what the documents themselves add up to, read one by one. */
export async function expectExactStatistics(catalog: FileCatalog, experimentId: number): Promise<void> {
  const files = await everything(catalog, experimentId);
  const sums = files.reduce((sum, file) => addSize(sum, BigInt(file.sizeBytes)), NO_SIZES);
  expect(await catalog.statistics(experimentId)).toEqual(statisticsOf(sums));
}

async function everything(catalog: FileCatalog, experimentId: number): Promise<CatalogFile[]> {
  const { items, nextCursor } = await catalog.query(experimentId, { limit: 1000 });
  expect(nextCursor).toBeNull();
  return items;
}
