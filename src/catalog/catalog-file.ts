/** Free metadata as it came: a JSON object. Keys may hold dots, dollars, anything that a JSON string can. */
export type Metadata = Record<string, unknown>;

/** One verified copy of a file version. */
export interface Replica {
  /** The destination where it is; the storage area (`primary`) when it says none. */
  destination?: string;
  /** A file URL, or the text form of an absolute path. */
  location: string;
  /** How it was proved to be the same content, such as `md5`. */
  proof: string;
  /** RFC 3339, UTC. */
  verifiedAt: string;
}

/** One version of one file. Times are RFC 3339 in UTC with milliseconds, sizes bytes. */
export interface CatalogFile {
  /** 24 hex digits; ids made later sort later. */
  id: string;
  experimentId: number;
  /** Text form (kernel/path-text), relative to the experiment's directory: `data/scan1/a.h5`. */
  path: string;
  /** Last segment of {@link path}. */
  name: string;
  version: number;
  sizeBytes: number;
  md5Sum: string | null;
  /** When the source file was created; its modification time where the source does not say. */
  createdAt: string;
  /** Modification time of the source. */
  modifiedAt: string;
  /** When the copy was in storage, verified. */
  storedAt: string;
  acquisitionId: string | null;
  jobId: string | null;
  ledgerId: string | null;
  replicas: Replica[];
  metadata: Metadata;
  /** Grows with each change; what optimistic locking compares. */
  revision: number;
  updatedAt: string;
}

/**
 * What the station knows about a file version when it records it. What is left out (or null) of an optional fact keeps
 * its value where the version is known already; `replicas`, when given, replaces the list.
 */
export interface NewCatalogFile {
  /** The document's id when it is new. Left out: the catalog makes one. */
  id?: string | undefined;
  path: string;
  /** Default 1. */
  version?: number | undefined;
  sizeBytes: number;
  md5Sum?: string | null | undefined;
  /** Default: `modifiedAt`. */
  createdAt?: string | Date | undefined;
  modifiedAt: string | Date;
  /** Default for a new document: now. */
  storedAt?: string | Date | undefined;
  acquisitionId?: string | null | undefined;
  jobId?: string | null | undefined;
  ledgerId?: string | null | undefined;
  replicas?: Replica[] | undefined;
  metadata?: Metadata | undefined;
}

/** All numbers over all versions of all matching files; deviation is the population's. Empty set: count 0, rest null. */
export interface FileStatistics {
  countFiles: number;
  totalBytes: number;
  meanBytes: number | null;
  minBytes: number | null;
  maxBytes: number | null;
  standardDeviationBytes: number | null;
}
