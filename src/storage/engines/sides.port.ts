import type { Fault } from '../copy-faults.js';
import type { EngineCapabilities, FileIdentity, Remains } from '../transfer-engine.port.js';

/** What stands under a name, seen without following a link. */
export type Look =
  | { status: 'file'; identity: FileIdentity }
  | { status: 'absent' }
  | { status: 'not-a-file' }
  /** Links on the way lead out of the roots. */
  | { status: 'outside' }
  | { status: 'failed'; fault: Fault };

export type Digested = { status: 'digested'; md5Sum: string } | { status: 'failed'; fault: Fault };

/** Where an engine's files come from. Answers are in the order of the questions. */
export interface SourceSide {
  look(paths: readonly Uint8Array[], roots: readonly Uint8Array[]): Promise<Look[]>;
  /** Reads each file there, where it lies. */
  digest(paths: readonly Uint8Array[]): Promise<Digested[]>;
}

/** A destination directory: `path` is relative to `base`, which must exist and is never left. */
export interface DirectoryWish {
  base: Uint8Array;
  path: Uint8Array;
  mode: number;
}

/** A temporary file that has arrived, and what it must be made into before it gets its final name. */
export interface ArrivedFile {
  path: Uint8Array;
  mode: number;
  mtimeNs: bigint;
}

export type Arrival =
  /** As it really lies there now; `md5Sum` is null where the destination cannot read it back, or was not asked to. */
  | { status: 'there'; sizeBytes: bigint; md5Sum: string | null }
  | { status: 'missing' }
  | { status: 'failed'; fault: Fault };

export interface Publication {
  base: Uint8Array;
  /** Directory of both names, relative to `base`. */
  directory: Uint8Array;
  temporary: Uint8Array;
  final: Uint8Array;
  /** Of the temporary file; null: taken there if it is needed, to tell the content from another. */
  md5Sum: string | null;
  /** Where other content under the final name goes, relative to `base`; null: it must not be touched. */
  keepAs: Uint8Array | null;
  directoryMode: number;
}

export type Published =
  | { status: 'published'; keptPrevious: boolean }
  | { status: 'occupied'; md5Sum: string; foundMd5Sum: string }
  | { status: 'failed'; fault: Fault };

/** Where an engine's files go. Answers are in the order of the questions. */
export interface DestinationSide {
  readonly capabilities: EngineCapabilities;
  /** Makes what is missing, with the storage area's permissions. */
  prepare(wishes: readonly DirectoryWish[]): Promise<(Fault | null)[]>;
  /** Gives mode, owner, group and ACL, makes the bytes durable, and reads them back. */
  settle(files: readonly ArrivedFile[], readBack: boolean): Promise<Arrival[]>;
  /** Gives the final names; both names and what was there before survive a crash of the machine at any moment. */
  publish(publications: readonly Publication[]): Promise<Published[]>;
  /** Removes temporary files; those that are not there are no fault. */
  remove(paths: readonly Uint8Array[]): Promise<void>;
}

/** One file on its way to its temporary name. */
export interface Move {
  id: string;
  sourcePath: Uint8Array;
  temporaryPath: Uint8Array;
  /** Exists, and is on the same file system as the temporary file. */
  experimentDirectory: Uint8Array;
  sizeBytes: bigint;
}

/** Faults by task id; a file without one has arrived, as far as the program knows. */
export type MoveFaults = ReadonlyMap<string, Fault>;

/** Carries bytes from one side to the other. It proves nothing: both sides are asked afterwards. */
export interface Mover {
  /** @throws StationError when the channel itself is broken. */
  move(moves: readonly Move[]): Promise<MoveFaults>;
  /** Removes what a move that a crash cut off may have left beside the temporary files. */
  discard?(remains: readonly Remains[]): Promise<void>;
  close(): Promise<void>;
}
