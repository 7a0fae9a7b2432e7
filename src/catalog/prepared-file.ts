import { objectId } from '../kernel/ids.js';
import { invalidFile } from './catalog.errors.js';
import { canonicalPath, nameOfPath } from './catalog-path.js';
import type { Metadata, NewCatalogFile, Replica } from './catalog-file.js';
import { normaliseMetadata } from './metadata/normalise-metadata.js';

/** A {@link NewCatalogFile}, checked and in canonical form. Null is "not said". */
export interface PreparedFile {
  id: string;
  path: string;
  name: string;
  version: number;
  sizeBytes: number;
  md5Sum: string | null;
  createdAt: Date | null;
  modifiedAt: Date;
  storedAt: Date | null;
  acquisitionId: string | null;
  jobId: string | null;
  ledgerId: string | null;
  replicas: Replica[] | null;
  metadata: Metadata | null;
}

export interface PreparedBatch {
  /** Each (path, version) once, in the order of its first appearance. */
  files: PreparedFile[];
  /** For each file of the call, where it went in {@link files}. */
  positions: number[];
}

const ID = /^[0-9a-f]{24}$/;
const MD5 = /^[0-9a-f]{32}$/;
const MAX_VERSION = 2_147_483_647;

/** @throws StationError CATALOG_FILE_INVALID, CATALOG_METADATA_INVALID. */
export function prepareBatch(files: readonly NewCatalogFile[]): PreparedBatch {
  const batch: PreparedBatch = { files: [], positions: [] };
  const positionOf = new Map<string, number>();
  const normalised = new Map<Metadata, Metadata>();
  for (const file of files) {
    const prepared = prepareFile(file, normalised);
    const key = `${prepared.version}/${prepared.path}`;
    const known = positionOf.get(key);
    const earlier = known === undefined ? undefined : batch.files[known];
    if (known === undefined || earlier === undefined) {
      positionOf.set(key, batch.files.length);
      batch.positions.push(batch.files.length);
      batch.files.push(prepared);
    } else {
      // The same version twice in one call ends as if it had come in two calls.
      batch.files[known] = followedBy(earlier, prepared);
      batch.positions.push(known);
    }
  }
  return batch;
}

function followedBy(earlier: PreparedFile, later: PreparedFile): PreparedFile {
  return {
    ...later,
    id: earlier.id,
    md5Sum: later.md5Sum ?? earlier.md5Sum,
    createdAt: later.createdAt ?? earlier.createdAt,
    storedAt: later.storedAt ?? earlier.storedAt,
    acquisitionId: later.acquisitionId ?? earlier.acquisitionId,
    jobId: later.jobId ?? earlier.jobId,
    ledgerId: later.ledgerId ?? earlier.ledgerId,
    replicas: later.replicas ?? earlier.replicas,
    metadata: keepingKnownKeys(earlier.metadata, later.metadata),
  };
}

/** The rule for metadata of a known version: its keys stay, new ones are added. */
export function keepingKnownKeys<Known extends Metadata | null>(known: Known, told: Metadata | null): Known | Metadata {
  return told === null ? known : { ...told, ...known };
}

/** `normalised`: what was normalised before; many files share one object. */
function prepareFile(file: NewCatalogFile, normalised: Map<Metadata, Metadata>): PreparedFile {
  const path = canonicalPath(file.path);
  const version = file.version ?? 1;
  if (!Number.isInteger(version) || version < 1 || version > MAX_VERSION) {
    throw invalidFile('A version is a whole number from 1 on.', { path, version });
  }
  if (!Number.isSafeInteger(file.sizeBytes) || file.sizeBytes < 0) {
    throw invalidFile('A size is a whole number of bytes from 0 to 2^53 - 1.', { path });
  }
  if (file.id !== undefined && !ID.test(file.id)) {
    throw invalidFile('An id of a catalog file is 24 lower-case hex digits.', { path });
  }
  const md5Sum = file.md5Sum?.toLowerCase() ?? null;
  if (md5Sum !== null && !MD5.test(md5Sum)) {
    throw invalidFile('An MD5 digest is 32 hex digits.', { path });
  }
  return {
    id: file.id ?? objectId(),
    path,
    name: nameOfPath(path),
    version,
    sizeBytes: file.sizeBytes,
    md5Sum,
    createdAt: optionalTime(file.createdAt, path),
    modifiedAt: time(file.modifiedAt, path),
    storedAt: optionalTime(file.storedAt, path),
    acquisitionId: file.acquisitionId ?? null,
    jobId: file.jobId ?? null,
    ledgerId: file.ledgerId ?? null,
    replicas: file.replicas ?? null,
    metadata: file.metadata === undefined ? null : normalisedOnce(file.metadata, normalised),
  };
}

function normalisedOnce(metadata: Metadata, normalised: Map<Metadata, Metadata>): Metadata {
  const known = normalised.get(metadata) ?? normaliseMetadata(metadata);
  normalised.set(metadata, known);
  return known;
}

function optionalTime(value: string | Date | undefined, path: string): Date | null {
  return value === undefined ? null : time(value, path);
}

function time(value: string | Date, path: string): Date {
  const date = new Date(value);
  const year = date.getUTCFullYear();
  // RFC 3339 has four digits for the year, and a clock that says something else is broken anyway.
  if (Number.isNaN(year) || year < 0 || year > 9999) {
    throw invalidFile('A time is RFC 3339, such as 2026-11-20T08:15:30.123Z.', { path });
  }
  return date;
}
