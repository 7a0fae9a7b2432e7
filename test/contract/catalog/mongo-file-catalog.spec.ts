import fc from 'fast-check';
import mongoose from 'mongoose';
import { expect, it } from 'vitest';
import { CounterStore } from '../../../src/catalog/mongo/counter-store.js';
import { MongoFileCatalog } from '../../../src/catalog/mongo/mongo-file-catalog.js';
import { CutWire } from '../../support/cut-wire.js';
import { describeWithMongo } from '../../support/mongo.js';
import { waitFor } from '../../support/wait-for.js';
import { CounterScene } from './counter-scene.js';
import {
  aFile,
  CONCURRENT_COUNTERS,
  CONCURRENT_UPDATES,
  expectExactStatistics,
  manyFiles,
  NESTED_ARRAYS,
} from './catalog-scene.js';
import { fileCatalogContract } from './file-catalog.contract.js';

/** What FerretDB 1.24, the substitute for MongoDB, cannot do. Against MongoDB itself every case runs. */
const FERRETDB_CANNOT = new Set([NESTED_ARRAYS, CONCURRENT_UPDATES, CONCURRENT_COUNTERS]);

await describeWithMongo('FileCatalog contract: MongoDB', (mongo) => {
  let experiment = 0;
  const newExperiment = () => Promise.resolve((experiment += 1));
  const open = ({ queryTimeLimitMs } = { queryTimeLimitMs: 60_000 }) =>
    new MongoFileCatalog({ url: mongo().url, poolSize: 5, queryTimeLimitMs });

  fileCatalogContract(() => ({
    open,
    newExperiment,
    cannot: mongo().kind === 'ferretdb' ? FERRETDB_CANNOT : new Set(),
  }));

  it('counts anew what a writer left behind that died before it settled', async () => {
    const id = await newExperiment();
    const catalog = open();
    await catalog.upsertMany(id, manyFiles(10));
    await expectExactStatistics(catalog, id);
    const connection = await mongoose.createConnection(mongo().url).asPromise();
    const dying = new CounterStore(connection.collection('file_counters'));
    await dying.announce(id);
    // The writer got as far as removing five files, and its process is gone.
    await connection.collection(`files_${id}`).deleteMany({ sizeBytes: { $lt: 5 } });
    await connection.close();
    await catalog.close();
    const restarted = open();
    await expectExactStatistics(restarted, id);
    await restarted.upsertMany(id, manyFiles(3));
    await expectExactStatistics(restarted, id);
    await restarted.close();
  });

  it(
    'counts exactly whatever the order in which writers write, settle, die and come back',
    { timeout: 300_000 },
    async () => {
      const connection = await mongoose.createConnection(mongo().url).asPromise();
      const step = fc.record({
        what: fc.constantFrom('announce', 'write', 'settle', 'settle', 'die', 'read', 'restart', 'wait'),
        process: fc.nat({ max: 1 }),
        sizeBytes: fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
      } as const);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
          const scene = new CounterScene(connection.collection('file_counters'), await newExperiment());
          for (const { what, process, sizeBytes } of steps) {
            await scene.play(what, process, sizeBytes);
          }
          const { counted, written } = await scene.end();
          expect(counted).toEqual(written);
        }),
        { numRuns: 60 },
      );
      await connection.close();
    },
  );

  it('notices a writer that comes back after it had been given up', async () => {
    const id = await newExperiment();
    const catalog = open();
    await catalog.upsertMany(id, manyFiles(2));
    const connection = await mongoose.createConnection(mongo().url).asPromise();
    const slow = new CounterStore(connection.collection('file_counters'));
    const writer = await slow.announce(id);
    const restarted = open();
    await expectExactStatistics(restarted, id);
    await connection.collection(`files_${id}`).deleteOne({ sizeBytes: 1 });
    await slow.settle(id, writer, { count: -1n, total: -1n, sumOfSquares: -1n });
    await expectExactStatistics(restarted, id);
    await connection.close();
    await Promise.all([catalog.close(), restarted.close()]);
  });

  it('gives up a server that says nothing any more, and goes on when it does again', async () => {
    const id = await newExperiment();
    const url = new URL(mongo().url);
    const wire = await CutWire.to({ host: url.hostname, port: Number(url.port || 27017) });
    url.host = `127.0.0.1:${wire.port}`;
    url.searchParams.set('directConnection', 'true');
    const catalog = new MongoFileCatalog({ url: url.href, poolSize: 2, queryTimeLimitMs: 5000, answerLimitMs: 500 });
    await catalog.upsertMany(id, [aFile()]);

    wire.stall();
    await expect(catalog.upsertMany(id, manyFiles(2))).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE' });
    wire.mend();

    await waitFor(() => catalog.upsertMany(id, manyFiles(2)), { timeoutMs: 30_000, what: 'the catalog to go on' });
    await expectExactStatistics(catalog, id);
    await catalog.close();
    await wire.close();
  });

  it('says that the server does not answer, and goes on when it does again', async (context) => {
    context.skip(!mongo().isOwned, 'the server is not ours to kill');
    const id = await newExperiment();
    const catalog = open();
    await catalog.upsertMany(id, [aFile()]);
    await mongo().kill();
    await expect(catalog.upsertMany(id, manyFiles(2))).rejects.toMatchObject({
      code: 'CATALOG_UNAVAILABLE',
      kind: 'unavailable',
      retryable: true,
    });
    expect(catalog.isAvailable()).toBe(false);
    await mongo().restart();
    await waitFor(() => catalog.upsertMany(id, manyFiles(2)), { timeoutMs: 30_000, what: 'the catalog to go on' });
    expect(catalog.isAvailable()).toBe(true);
    await expectExactStatistics(catalog, id);
    await catalog.close();
  });
});
