import type { Connection } from 'mongoose';
import { fileChanged, fileNotFound } from '../catalog.errors.js';
import type { CatalogFile, FileStatistics, Metadata, NewCatalogFile } from '../catalog-file.js';
import type { FileCatalog, FilePage, FileQuery, UpsertOptions, UpsertResult } from '../file-catalog.port.js';
import { cursorAfter, NEWEST_FIRST, positionOf } from '../file-sort.js';
import type { Filter } from '../filter/filter-ast.js';
import { filterToMongo } from '../filter/filter-to-mongo.js';
import { MONGO_FORM, toStored } from '../metadata/stored-metadata.js';
import { type PreparedFile, prepareBatch } from '../prepared-file.js';
import { addSize, NO_SIZES, type SizeSums, statisticsOf } from '../statistics/exact-statistics.js';
import { CounterStore } from './counter-store.js';
import { type FileCollection, FileCollections } from './file-collections.js';
import { type FileDocument, fileOfDocument, objectIdOf, pathHashOf } from './file-document.js';
import { MongoConnection } from './mongo-connection.js';
import { isMissingCollection } from './mongo-errors.js';
import { nextDocuments } from './query-files.js';
import { type BatchOutcome, writeBatch } from './write-batch.js';

const BATCH_SIZE = 1000;
/** Somebody who edits while this many others win in a row is told so. */
const UPDATE_ATTEMPTS = 10;
/** Counting anew is not a search: it has to finish, and writers wait for it. Below the lifetime of a recount. */
const RECOUNT_LIMIT_MS = 110_000;

export interface MongoFileCatalogOptions {
  url: string;
  poolSize: number;
  queryTimeLimitMs: number;
  /** How long the server may say nothing; see `MongoConnection`. */
  answerLimitMs?: number;
}

/** What is made once per connection. */
interface Session {
  connection: Connection;
  collections: FileCollections;
  counters: CounterStore;
}

/** The catalog in MongoDB: a collection per experiment, and one for the counters of all. Needs no transactions. */
export class MongoFileCatalog implements FileCatalog {
  private readonly mongo: MongoConnection;
  private session: Session | undefined;

  constructor(private readonly options: MongoFileCatalogOptions) {
    this.mongo = new MongoConnection(options);
  }

  async upsertMany(
    experimentId: number,
    files: readonly NewCatalogFile[],
    options: UpsertOptions = {},
  ): Promise<UpsertResult> {
    const batch = prepareBatch(files);
    const result: UpsertResult = { inserted: 0, updated: 0, ids: [] };
    for (let start = 0; start < batch.files.length; start += BATCH_SIZE) {
      const part = batch.files.slice(start, start + BATCH_SIZE);
      const outcome = await this.writePart(experimentId, part, options.existing !== 'keep');
      result.inserted += outcome.inserted;
      result.updated += outcome.updated;
      result.ids.push(...part.map((file) => outcome.knownIds.get(file.id) ?? file.id));
    }
    return { ...result, ids: batch.positions.map((position) => result.ids[position] ?? '') };
  }

  private writePart(experimentId: number, files: PreparedFile[], updatesKnown: boolean): Promise<BatchOutcome> {
    return this.counted(experimentId, (collection) => writeBatch(collection, files, updatesKnown));
  }

  get(experimentId: number, id: string): Promise<CatalogFile | undefined> {
    return this.use(async ({ collections }) => {
      const document = await collections.of(experimentId).findOne({ _id: objectIdOf(id) });
      return document === null ? undefined : fileOfDocument(experimentId, document);
    });
  }

  getByPath(experimentId: number, path: string, version?: number): Promise<CatalogFile | undefined> {
    return this.use(async ({ collections }) => {
      const key = { pathHash: pathHashOf(path), ...(version === undefined ? {} : { version }) };
      const [document] = await collections.of(experimentId).find(key).sort({ version: -1 }).limit(1).toArray();
      return document === undefined ? undefined : fileOfDocument(experimentId, document);
    });
  }

  query(experimentId: number, query: FileQuery): Promise<FilePage> {
    const sort = query.sort ?? NEWEST_FIRST;
    const after = positionOf(query.cursor, sort);
    return this.use(async ({ collections }) => {
      const documents = await nextDocuments(collections.of(experimentId), query, sort, after, {
        count: query.limit + 1,
        timeLimitMs: this.options.queryTimeLimitMs,
      });
      const items = documents.slice(0, query.limit).map((document) => fileOfDocument(experimentId, document));
      const last = items.at(-1);
      const hasMore = documents.length > query.limit && last !== undefined;
      return { items, nextCursor: hasMore ? cursorAfter(last, sort) : null };
    });
  }

  async updateMetadata(
    experimentId: number,
    id: string,
    change: (metadata: Metadata) => Metadata,
    expectedRevision?: number,
  ): Promise<CatalogFile> {
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS; attempt += 1) {
      const current = await this.get(experimentId, id);
      if (current === undefined) {
        throw fileNotFound();
      }
      if (expectedRevision !== undefined && current.revision !== expectedRevision) {
        throw fileChanged(expectedRevision);
      }
      const metadata = change(current.metadata);
      const updatedAt = new Date();
      const revision = current.revision + 1;
      const { matchedCount } = await this.use(({ collections }) =>
        collections
          .of(experimentId)
          .updateOne(
            { _id: objectIdOf(id), revision: current.revision },
            { $set: { metadata: toStored(metadata, MONGO_FORM), revision, updatedAt } },
          ),
      );
      if (matchedCount === 1) {
        return { ...current, metadata, revision, updatedAt: updatedAt.toISOString() };
      }
    }
    throw fileChanged(expectedRevision);
  }

  async delete(experimentId: number, id: string): Promise<boolean> {
    const { isDeleted } = await this.counted(experimentId, async (collection) => {
      const document = await collection.findOneAndDelete({ _id: objectIdOf(id) });
      const size = BigInt(document?.sizeBytes ?? 0);
      const count = document === null ? 0n : -1n;
      return { isDeleted: document !== null, delta: { count, total: -size, sumOfSquares: -size * size } };
    });
    return isDeleted;
  }

  deleteExperiment(experimentId: number): Promise<void> {
    return this.use(async ({ collections, counters }) => {
      await collections
        .of(experimentId)
        .drop()
        .catch((error: unknown) => {
          if (!isMissingCollection(error)) {
            throw error;
          }
        });
      await counters.remove(experimentId);
      collections.forget(experimentId);
    });
  }

  statistics(experimentId: number, filter?: Filter): Promise<FileStatistics> {
    return this.use(async ({ collections, counters }) => {
      const collection = collections.of(experimentId);
      if (filter !== undefined) {
        return statisticsOf(await scannedSums(collection, filter, this.options.queryTimeLimitMs));
      }
      const sums = await counters.read(experimentId, () => scannedSums(collection, undefined, RECOUNT_LIMIT_MS));
      const [min, max] = await Promise.all([extreme(collection, 1), extreme(collection, -1)]);
      return statisticsOf({ ...sums, min, max });
    });
  }

  isAvailable(): boolean {
    return this.mongo.isAvailable();
  }

  async ping(): Promise<void> {
    await this.use(async ({ connection }) => connection.db?.admin().ping());
  }

  close(): Promise<void> {
    return this.mongo.close();
  }

  /** Runs a write under an announcement to the counters; see CounterStore. */
  private counted<Outcome extends Pick<BatchOutcome, 'delta'>>(
    experimentId: number,
    write: (collection: FileCollection) => Promise<Outcome>,
  ): Promise<Outcome> {
    return this.use(async ({ collections, counters }) => {
      const collection = await collections.indexedOf(experimentId);
      const writer = await counters.announce(experimentId);
      try {
        const outcome = await write(collection);
        await (outcome.delta === undefined
          ? counters.abandon(experimentId, writer)
          : counters.settle(experimentId, writer, outcome.delta));
        return outcome;
      } catch (error) {
        // Where even this fails, the announcement stays, which says the same a little later.
        await counters.abandon(experimentId, writer).catch(() => undefined);
        throw error;
      }
    });
  }

  private use<T>(run: (session: Session) => Promise<T>): Promise<T> {
    return this.mongo.use((connection) => {
      if (this.session?.connection !== connection) {
        this.session = {
          connection,
          collections: new FileCollections(connection),
          counters: new CounterStore(connection.collection('file_counters')),
        };
      }
      return run(this.session);
    });
  }
}

async function extreme(collection: FileCollection, direction: 1 | -1): Promise<bigint | null> {
  const [document] = await collection
    .find({}, { projection: { _id: 0, sizeBytes: 1 } })
    .sort({ sizeBytes: direction })
    .limit(1)
    .toArray();
  return document === undefined ? null : BigInt(document.sizeBytes);
}

/** Lets the server count the files of each size, and adds up here: exact, and any server can do it. */
async function scannedSums(
  collection: FileCollection,
  filter: Filter | undefined,
  timeLimitMs: number,
): Promise<SizeSums> {
  const sizes = collection.aggregate<{ _id: FileDocument['sizeBytes']; files: number }>(
    [
      { $match: filter === undefined ? {} : filterToMongo(filter) },
      { $group: { _id: '$sizeBytes', files: { $sum: 1 } } },
    ],
    { maxTimeMS: timeLimitMs, allowDiskUse: true },
  );
  let sums = NO_SIZES;
  for await (const { _id: size, files } of sizes) {
    sums = addSize(sums, BigInt(size), BigInt(files));
  }
  return sums;
}
