import mongoose, { type mongo } from 'mongoose';
import { StationError } from '../../kernel/errors.js';
import type { PreparedFile } from '../prepared-file.js';
import { updateEach } from './bulk-updates.js';
import type { SizeDelta } from './counter-store.js';
import type { FileCollection } from './file-collections.js';
import { changesOf, type FileDocument, newDocument, pathHashOf } from './file-document.js';
import { DUPLICATE_KEY } from './mongo-errors.js';

/** Other writers may win each time; they write the same files only when something was started twice. */
const MAX_ROUNDS = 8;

export interface BatchOutcome {
  inserted: number;
  updated: number;
  /** Id of each file's document by {@link PreparedFile.id}, where it is another one. */
  knownIds: Map<string, string>;
  /** What changed in sum; undefined where only a recount can tell. */
  delta: SizeDelta | undefined;
}

/**
 * Writes files without transactions: what is not there is inserted under the unique index, what is there is changed
 * under its revision. Whatever another writer did first is looked at again in the next round.
 */
export async function writeBatch(
  collection: FileCollection,
  files: readonly PreparedFile[],
  updatesKnown: boolean,
): Promise<BatchOutcome> {
  const batch = new BatchWrite(collection, updatesKnown);
  let remaining = files;
  for (let round = 0; remaining.length > 0; round += 1) {
    if (round === MAX_ROUNDS) {
      throw new StationError('conflict', 'CATALOG_ID_TAKEN', 'Another file has one of these ids already.');
    }
    remaining = await batch.round(remaining);
  }
  return batch.outcome();
}

interface Change {
  file: PreparedFile;
  known: FileDocument;
  changes: Partial<FileDocument>;
}

class BatchWrite {
  private inserted = 0;
  private updated = 0;
  private isCertain = true;
  private readonly delta: SizeDelta = { count: 0n, total: 0n, sumOfSquares: 0n };
  private readonly knownIds = new Map<string, string>();

  constructor(
    private readonly collection: FileCollection,
    private readonly updatesKnown: boolean,
  ) {}

  outcome(): BatchOutcome {
    const { inserted, updated, knownIds } = this;
    return { inserted, updated, knownIds, delta: this.isCertain ? this.delta : undefined };
  }

  /** Answers the files that another writer came first with. */
  async round(files: readonly PreparedFile[]): Promise<PreparedFile[]> {
    const known = await this.lookUp(files);
    const unknown: PreparedFile[] = [];
    const changes: Change[] = [];
    for (const file of files) {
      const document = known.get(keyOf(file));
      if (document === undefined) {
        unknown.push(file);
        continue;
      }
      this.knownIds.set(file.id, document._id.toHexString());
      const changed = this.updatesKnown ? changesOf(document, file) : undefined;
      if (changed !== undefined) {
        changes.push({ file, known: document, changes: changed });
      }
    }
    return [...(await this.insert(unknown)), ...(await this.change(changes))];
  }

  private async lookUp(files: readonly PreparedFile[]): Promise<Map<string, FileDocument>> {
    const hashes = files.map((file) => pathHashOf(file.path));
    const versions = [...new Set(files.map((file) => file.version))];
    const documents = await this.collection.find({ pathHash: { $in: hashes }, version: { $in: versions } }).toArray();
    return new Map(documents.map((document) => [keyOf(document), document]));
  }

  private async insert(files: PreparedFile[]): Promise<PreparedFile[]> {
    if (files.length === 0) {
      return [];
    }
    const now = new Date();
    const lost = new Set(await this.tryInsert(files.map((file) => newDocument(file, now))));
    for (const [index, file] of files.entries()) {
      if (!lost.has(index)) {
        this.inserted += 1;
        this.delta.count += 1n;
        this.count(0n, BigInt(file.sizeBytes));
      }
    }
    return files.filter((_file, index) => lost.has(index));
  }

  /** Answers the positions that were there already. */
  private async tryInsert(documents: FileDocument[]): Promise<number[]> {
    try {
      await this.collection.insertMany(documents, { ordered: false });
      return [];
    } catch (error) {
      if (!(error instanceof mongoose.mongo.MongoBulkWriteError)) {
        throw error;
      }
      const failures = writeErrorsOf(error);
      if (failures.length === 0 || failures.some((failure) => failure.code !== DUPLICATE_KEY)) {
        throw error;
      }
      return failures.map((failure) => failure.index);
    }
  }

  private async change(changes: readonly Change[]): Promise<PreparedFile[]> {
    if (changes.length === 0) {
      return [];
    }
    const updatedAt = new Date();
    const matched = await updateEach(
      this.collection,
      changes.map(({ known, changes: fields }) => ({
        filter: { _id: known._id, revision: known.revision },
        update: { $set: { ...fields, revision: known.revision + 1, updatedAt } },
      })),
    );
    this.updated += matched;
    if (matched < changes.length) {
      // The server does not say which ones somebody else changed first. The next round sees which are left to do;
      // the counters are counted anew if it can matter for them.
      this.isCertain &&= changes.every(({ file, known }) => file.sizeBytes === Number(known.sizeBytes));
      return changes.map(({ file }) => file);
    }
    for (const { file, known } of changes) {
      this.count(BigInt(known.sizeBytes), BigInt(file.sizeBytes));
    }
    return [];
  }

  private count(before: bigint, after: bigint): void {
    this.delta.total += after - before;
    this.delta.sumOfSquares += after * after - before * before;
  }
}

function keyOf(file: Pick<PreparedFile, 'path' | 'version'>): string {
  return `${file.version}/${file.path}`;
}

function writeErrorsOf(error: mongo.MongoBulkWriteError): mongo.WriteError[] {
  return [error.writeErrors].flat();
}
