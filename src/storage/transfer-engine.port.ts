import type { Proof } from './proof.js';

/** What identifies the content that was seen: if any of it differs later, the file has changed. */
export interface FileIdentity {
  sizeBytes: bigint;
  mtimeNs: bigint;
  inode: bigint;
}

export interface TransferTask {
  /** Ledger id: names the temporary file, so that a second attempt overwrites the first one's remains. */
  id: string;
  sourcePath: Uint8Array;
  /** The opened source must really lie below one of these (links resolved). */
  sourceRoots: readonly Uint8Array[];
  expected: FileIdentity;
  /** The content must have this digest, else the outcome is `changed`: for copies of what was digested before. */
  expectedMd5Sum?: string;
  /** Directory of the experiment; nothing is written outside. */
  experimentDirectory: Uint8Array;
  /** Relative to the experiment's directory. */
  destinationPath: Uint8Array;
  /** Version of this content, and where content of the version before goes; null for a first version. */
  replaces: { keepAs: Uint8Array } | null;
  /** `compare`: another source already stands for this destination; only read and digest, never write. */
  mode: 'copy' | 'compare';
  /** `size`: only copy and compare the sizes, without a digest. The copy that results is not verified. */
  proof: WantedProof;
  fileMode: number;
  directoryMode: number;
}

/** Where a cut-off attempt may have left a temporary file. */
export type Remains = Pick<TransferTask, 'id' | 'experimentDirectory' | 'destinationPath'>;

/** What can be asked for; an engine whose channel cannot sync answers `read-back` by `read-back-unsynced`. */
export type WantedProof = Extract<Proof, 'read-back' | 'size'>;

export type TransferOutcome =
  | {
      id: string;
      status: 'published';
      /** Null if none was computed (proof `size`). */
      md5Sum: string | null;
      sizeBytes: bigint;
      proof: Proof;
      /** Whether content of the version before now lies where `replaces.keepAs` said. */
      keptPrevious: boolean;
    }
  | { id: string; status: 'compared'; md5Sum: string; sizeBytes: bigint }
  /**
   * The source is not what was expected, before or after reading; nothing was published. `readings`: its size, time and
   * inode are as expected, and yet it was read twice with these two MD5 digests.
   */
  | { id: string; status: 'changed'; detail: string; readings?: readonly [string, string] }
  | { id: string; status: 'vanished' }
  /** What stands at the destination is neither this content nor the version before. */
  | { id: string; status: 'occupied'; md5Sum: string; foundMd5Sum: string }
  /** The copy that was read back differs from what was read at the source. */
  | { id: string; status: 'corrupt'; md5Sum: string; foundMd5Sum: string }
  | { id: string; status: 'failed'; code: string; message: string; kind: FaultKind };

/**
 * `no-space` and `unavailable` are the destination's, whatever the file, and end when somebody makes room or brings it
 * back; `transient` may pass by itself; `permanent` needs a person.
 */
export type FaultKind = 'transient' | 'permanent' | 'no-space' | 'unavailable';

/** What the channel of an engine can do at the destination. What it cannot shows in the proof of its copies. */
export interface EngineCapabilities {
  /** Read every byte again there; without, copies are proven by `size` only. */
  readBack: boolean;
  /** Make file and directory survive a loss of power; without, a copy that was read back is `read-back-unsynced`. */
  sync: boolean;
  /** Set the mode of files and directories. */
  mode: boolean;
  /** Set owner, group and ACL. */
  owner: boolean;
  /** Keep older content by a second name; without, by a rename, so that its name is free for a moment. */
  hardLinks: boolean;
}

export const ALL_CAPABILITIES: EngineCapabilities = {
  readBack: true,
  sync: true,
  mode: true,
  owner: true,
  hardLinks: true,
};

/**
 * Moves files into the storage area with proof. Obligations of every engine:
 * - an outcome for each task, in any order of work; one bad file never fails the others;
 * - a file at its final name is complete, and as durable as the engine declares, before `published` is answered;
 * - repeating a task after a crash at any point is safe and leaves no temporary file, whatever its outcome;
 * - a rejected promise means that the engine itself is broken; no task of the batch may be taken as done then.
 */
export interface TransferEngine {
  readonly capabilities: EngineCapabilities;
  transfer(tasks: readonly TransferTask[]): Promise<TransferOutcome[]>;
  /** Removes the temporary files of attempts that a crash cut off; those without one are no fault. */
  discard(remains: readonly Remains[]): Promise<void>;
  close(): Promise<void>;
}

export const TRANSFER_ENGINE = Symbol('TransferEngine');
