import type { TransferEngine } from '../transfer-engine.port.js';

/** A place that copies go to beside the storage area: where it is, whether it is there, and the engine that reaches it. */
export interface Destination {
  readonly name: string;
  readonly kind: string;
  /** Where it is, for people. */
  readonly address: string;
  readonly isDefault: boolean;
  readonly isRequired: boolean;
  /** Batches copied there at the same time. */
  readonly concurrency: number;
  readonly fileMode: number;
  readonly directoryMode: number;
  readonly engine: TransferEngine;
  /** First start: what has to be made once. */
  initialize(): Promise<void>;
  /**
   * Tries whether the station may give files there what is configured, so that it is said at the start and not by the first
   * copy; one that is away is not asked.
   *
   * @throws StationError STORAGE_PERMISSIONS_REFUSED
   */
  requirePermissions(): Promise<void>;
  /** Why no copies can be made there now, with what to do; undefined when they can. */
  absence(): Promise<string | undefined>;
  /** Why so many bytes cannot be copied there now; undefined when they can, or when it cannot be told. */
  fullness(bytes: number): Promise<string | undefined>;
  /** Where the directory of an experiment lies there; `experimentDirectory` is its place in the storage area. */
  directoryOf(experimentDirectory: Buffer): Buffer;
  /** The same, made if it is missing. */
  prepareDirectory(experimentDirectory: Buffer): Promise<Buffer>;
  close(): Promise<void>;
}
