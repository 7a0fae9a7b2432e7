import { type Connection, type mongo, Schema } from 'mongoose';
import type { FileDocument } from './file-document.js';

export type FileCollection = mongo.Collection<FileDocument>;

/**
 * Form and indexes of an experiment's collection. Mongoose owns the connection, the names and the indexes; documents go
 * through the collection itself, past casting: free metadata must arrive as it is.
 */
const schema = new Schema<FileDocument>(
  {
    path: { type: String, required: true },
    pathHash: { type: String, required: true },
    name: { type: String, required: true },
    version: { type: Number, required: true },
    sizeBytes: { type: Schema.Types.BigInt, required: true },
    md5Sum: String,
    createdAt: { type: Date, required: true },
    modifiedAt: { type: Date, required: true },
    storedAt: { type: Date, required: true },
    acquisitionId: String,
    jobId: String,
    ledgerId: String,
    replicas: [{ _id: false, location: String, proof: String, verifiedAt: String }],
    metadata: Schema.Types.Mixed,
    revision: { type: Number, required: true },
    updatedAt: { type: Date, required: true },
  },
  { versionKey: false, minimize: false },
);
schema.index({ pathHash: 1, version: -1 }, { unique: true });
schema.index({ storedAt: -1, _id: -1 });
schema.index({ sizeBytes: 1, _id: 1 });
schema.index({ acquisitionId: 1, storedAt: -1, _id: -1 });

/** The collections of one connection, one per experiment, so that dropping an experiment is dropping a collection. */
export class FileCollections {
  private readonly indexed = new Map<number, Promise<void>>();

  constructor(private readonly connection: Connection) {
    // What was there before a disconnect may not be there after it (a restored or an emptied server).
    connection.on('disconnected', () => this.indexed.clear());
  }

  /** For reading; a collection that does not exist is an empty one. */
  of(experimentId: number): FileCollection {
    return this.modelOf(experimentId).collection as unknown as FileCollection;
  }

  /** For writing: with its indexes, of which the unique one is what makes writing idempotent. */
  async indexedOf(experimentId: number): Promise<FileCollection> {
    let indexing = this.indexed.get(experimentId);
    if (indexing === undefined) {
      indexing = this.modelOf(experimentId).createIndexes();
      this.indexed.set(experimentId, indexing);
      indexing.catch(() => this.indexed.delete(experimentId));
    }
    await indexing;
    return this.of(experimentId);
  }

  forget(experimentId: number): void {
    this.indexed.delete(experimentId);
    this.connection.deleteModel(modelName(experimentId));
  }

  private modelOf(experimentId: number) {
    const name = modelName(experimentId);
    return this.connection.models[name] ?? this.connection.model(name, schema, `files_${experimentId}`);
  }
}

function modelName(experimentId: number): string {
  return `Files${experimentId}`;
}
