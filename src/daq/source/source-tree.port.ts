import type { FilterOptions } from '../scan/file-filter.js';

/** Where a source tree lies. */
export interface SourceLocation {
  /** Another machine, as `@host:/path` names it; null on the station's own. */
  host: string | null;
  /** Absolute. */
  directory: Buffer;
}

/** A regular file as its file system told of it. */
export interface ScannedFile {
  /** Relative to the tree's directory. */
  relativePath: Uint8Array;
  device: bigint;
  inode: bigint;
  sizeBytes: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
}

/** Something that is there but cannot be taken; the scan goes on. */
export interface ScanProblem {
  relativePath: Uint8Array;
  /**
   * `SYMBOLIC_LINK`, `NOT_A_REGULAR_FILE`, `DIRECTORY_LOOP`, `TEMPORARY_NAME` (still being written), or the file
   * system's own (`EACCES`, `EIO`, `ENAMETOOLONG`).
   */
  code: string;
}

export interface ScanBatch {
  files: ScannedFile[];
  problems: ScanProblem[];
  /** Directories that the tree saw for the first time, to be watched. */
  directories: Uint8Array[];
}

/**
 * What a pass over a tree looks at.
 * - `full`: lists every directory and answers every file. Pulled slowly it is the rolling sweep, which finds files that
 *   were rewritten in place.
 * - `changes`: lists directories whose mtime is another than at their last conclusive listing, or which are too young
 *   for the clock's grain to tell, and answers files that no pass of this tree has answered as they are now.
 */
export type ScanPass = 'full' | 'changes';

export interface ScanRequest {
  pass: ScanPass;
  filter: FilterOptions;
  /** Lists only these directories, whatever their mtime, and what is new below them. */
  only?: readonly Buffer[];
  /** The caller takes its time: nothing is looked at before it is asked for. */
  isSpread?: boolean;
}

/** A look at one path: `gone` when nothing that is data is there; `unreadable` when that cannot be told now. */
export type Look = ScannedFile | 'gone' | 'directory' | 'unreadable';

/** What must still be so for a file to be the one that was copied. */
export interface SourceIdentity {
  sizeBytes: bigint;
  mtimeNs: bigint;
  inode: bigint;
}

/** `changed`: it is another file now, or has other content, and was left; `detail` is a clause that says what differs. */
export type Removal =
  | { status: 'removed' }
  | { status: 'gone' }
  | { status: 'changed'; detail: string }
  | { status: 'failed'; code: string };

export type AbsenceCode =
  | 'missing'
  | 'not-a-directory'
  | 'unreadable'
  | 'outside-roots'
  | 'in-storage'
  | 'not-mounted'
  | 'no-answer'
  | 'unreachable';

export type Presence =
  | {
      isThere: true;
      /** The file system and its mount point, to be remembered; only trees interpret it. */
      device: string;
      /** The directory with links resolved. */
      directory: Buffer;
      isEmpty: boolean;
      fileSystem: FileSystem;
    }
  | { isThere: false; code: AbsenceCode; /** Follows "takes no files: ". */ reason: string };

export interface FileSystem {
  /** As the kernel names it: `ext4`, `nfs4`, `fuse.sshfs`; `unknown` when it cannot be told. */
  type: string;
  /** Other machines may write into it without an event here: NFS, SMB, GPFS, Lustre, FUSE, 9p. */
  isShared: boolean;
}

/** What a watch tells: never the truth, only where to look first. */
export interface WatchHints {
  /** Paths, relative, that an event named. */
  paths: Buffer[];
  /** Directories of which an event says that something in them is new, or that were just watched. */
  directories: Buffer[];
  /** Events were lost, or say nothing precise: a `changes` pass finds out. */
  wantsScan: boolean;
}

export interface WatchTrouble {
  kind: 'limit' | 'other';
  /** A sentence without its full stop. */
  message: string;
  /** What a person can do. */
  action: string;
}

export interface SourceWatch {
  /** Hints since the last call; memory is bounded, an overflow becomes `wantsScan`. */
  takeHints(): WatchHints;
  /** Null while all is well. */
  trouble(): WatchTrouble | null;
  close(): Promise<void>;
}

export interface SourceTreeProperties {
  /** Whether {@link SourceTree.watch} can tell anything at all; whether it may be relied on depends on the file system. */
  hasEvents: boolean;
}

/**
 * Where the files of an acquisition come from, seen by one acquisition. Obligations of an adapter:
 *
 * - Nothing here blocks the event loop or the thread pool of the process, and no tree holds up another, however long its
 *   file system or its host hangs.
 * - Every call ends within the time limit: {@link presence} answers `no-answer`, the others throw
 *   `StationError('unavailable', 'SOURCE_NO_ANSWER')`. The tree can be used again as soon as the source answers.
 * - A host that cannot be reached is `unreachable`; the others throw what ssh said, as `unavailable`. Nothing is concluded
 *   about its files.
 * - Paths are bytes. Symbolic links are not followed below the directory; FIFOs, sockets and devices are never opened.
 * - Looks are facts of the moment; comparing them with the ledger is the caller's affair.
 */
export interface SourceTree {
  readonly location: SourceLocation;
  readonly properties: SourceTreeProperties;

  /**
   * Whether the directory is really there, may be read, and lies where acquisitions may read. `knownDevice`: the file
   * system that it was on when it was last seen; on another one an empty directory, or one that lies where that was
   * mounted, is a bare mount point.
   */
  presence(knownDevice: string | null): Promise<Presence>;

  /**
   * One pass, in batches, as fast as the caller takes them: memory is bounded, pausing is free. A batch counts as taken
   * when the next one is asked for; what was not taken comes again in the next `changes` pass. Several passes may be
   * under way at a time.
   */
  scan(request: ScanRequest): AsyncGenerator<ScanBatch>;

  /** Looks at many paths at once; answers in the order given. */
  look(relativePaths: readonly Uint8Array[]): Promise<Look[]>;

  /** The first bytes of a small regular file, at most `limit`; undefined when there is none that can be read. */
  read(relativePath: Uint8Array, limit: number): Promise<Buffer | undefined>;

  /** What the clock of the source's file system says now, in ns since 1970; undefined when it cannot be asked. */
  clock(): Promise<bigint | undefined>;

  /**
   * Removes a file if it is still the one that `identity` tells of. No other file that takes its name at that moment may
   * be hit. Repeating it is safe, also after a crash in the middle.
   */
  remove(relativePath: Uint8Array, identity: SourceIdentity): Promise<Removal>;

  /** Undoes a {@link remove} that a crash has cut off; does nothing where none was. */
  restore(relativePath: Uint8Array, identity: SourceIdentity): Promise<void>;

  /** Begins to watch; directories are watched as passes find them. Undefined without events. */
  watch(onHint: () => void): SourceWatch | undefined;

  /** Lets go of threads and connections, those included that hang. */
  close(): Promise<void>;
}

export interface OpenSource {
  location: SourceLocation;
  /** Results of a job: processing names the job's own directory, which lies below no source root. */
  isJobResult: boolean;
}

/** Opens source trees, each by the adapter of its location. */
export interface SourceTrees {
  /** Asks nothing yet: a host that is not configured is `unreachable`. */
  open(source: OpenSource): SourceTree;

  /**
   * A tree for a question now and then, shared by all who ask about the same directory, and closed by itself.
   */
  visit(source: OpenSource): Pick<SourceTree, 'presence' | 'look' | 'clock' | 'remove' | 'restore'>;
}

export const SOURCE_TREES = Symbol('SourceTrees');
