import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import mongoose from 'mongoose';
import type { CatalogFile, Metadata, Replica } from '../catalog-file.js';
import { fromStored, MONGO_FORM, toStored } from '../metadata/stored-metadata.js';
import { keepingKnownKeys, type PreparedFile } from '../prepared-file.js';

export type ObjectId = mongoose.mongo.ObjectId;

/** One file version in its experiment's collection. */
export interface FileDocument {
  _id: ObjectId;
  path: string;
  /** SHA-256 of the path; keeps the unique index small, whatever the length of paths. */
  pathHash: string;
  name: string;
  version: number;
  /** A 64-bit integer there: written as bigint, read as number (sizes end at 2^53 - 1). */
  sizeBytes: number | bigint;
  md5Sum: string | null;
  createdAt: Date;
  modifiedAt: Date;
  storedAt: Date;
  acquisitionId: string | null;
  jobId: string | null;
  ledgerId: string | null;
  replicas: Replica[];
  /** In the stored form (see metadata/stored-text.ts). */
  metadata: Metadata;
  revision: number;
  updatedAt: Date;
}

export function objectIdOf(id: string): ObjectId {
  return mongoose.mongo.ObjectId.createFromHexString(id);
}

export function pathHashOf(path: string): string {
  return createHash('sha256').update(path, 'utf8').digest('base64url');
}

export function newDocument(file: PreparedFile, now: Date): FileDocument {
  return {
    _id: objectIdOf(file.id),
    path: file.path,
    pathHash: pathHashOf(file.path),
    name: file.name,
    version: file.version,
    sizeBytes: BigInt(file.sizeBytes),
    md5Sum: file.md5Sum,
    createdAt: file.createdAt ?? file.modifiedAt,
    modifiedAt: file.modifiedAt,
    storedAt: file.storedAt ?? now,
    acquisitionId: file.acquisitionId,
    jobId: file.jobId,
    ledgerId: file.ledgerId,
    replicas: file.replicas ?? [],
    metadata: toStored(file.metadata ?? {}, MONGO_FORM),
    revision: 1,
    updatedAt: now,
  };
}

/** What telling a known version again changes, nothing if it says the same. Mirrors CHANGES of the PostgreSQL upsert. */
export function changesOf(known: FileDocument, told: PreparedFile): Partial<FileDocument> | undefined {
  const wanted = {
    sizeBytes: told.sizeBytes,
    modifiedAt: told.modifiedAt,
    md5Sum: told.md5Sum ?? known.md5Sum,
    createdAt: told.createdAt ?? known.createdAt,
    storedAt: told.storedAt ?? known.storedAt,
    acquisitionId: told.acquisitionId ?? known.acquisitionId,
    jobId: told.jobId ?? known.jobId,
    ledgerId: told.ledgerId ?? known.ledgerId,
    replicas: told.replicas ?? known.replicas,
    metadata: keepingKnownKeys(known.metadata, told.metadata === null ? null : toStored(told.metadata, MONGO_FORM)),
  };
  const changed = Object.entries(wanted).filter(
    ([field, value]) => !isDeepStrictEqual(value, known[field as keyof typeof wanted]),
  );
  if (changed.length === 0) {
    return undefined;
  }
  return Object.fromEntries(
    changed.map(([field, value]) => [field, field === 'sizeBytes' ? BigInt(told.sizeBytes) : value]),
  );
}

export function fileOfDocument(experimentId: number, document: FileDocument): CatalogFile {
  return {
    id: document._id.toHexString(),
    experimentId,
    path: document.path,
    name: document.name,
    version: document.version,
    sizeBytes: Number(document.sizeBytes),
    md5Sum: document.md5Sum,
    createdAt: document.createdAt.toISOString(),
    modifiedAt: document.modifiedAt.toISOString(),
    storedAt: document.storedAt.toISOString(),
    acquisitionId: document.acquisitionId,
    jobId: document.jobId,
    ledgerId: document.ledgerId,
    replicas: document.replicas,
    metadata: fromStored(document.metadata, MONGO_FORM),
    revision: document.revision,
    updatedAt: document.updatedAt.toISOString(),
  };
}
