import type { CatalogFile } from '../../catalog/index.js';

export const FILE_TASK_KINDS = ['compress', 'decompress', 'delete'] as const;
export type FileTaskKind = (typeof FILE_TASK_KINDS)[number];

/**
 * `previewed` waits for a person's word; `running`, `cancelling`, `undoing` and `emptying` are worked on, also after a
 * restart; the others are ends.
 */
export const FILE_TASK_STATUSES = [
  'previewing',
  'previewed',
  'running',
  'done',
  'cancelling',
  'cancelled',
  'undoing',
  'undone',
  'emptying',
  'emptied',
] as const;
export type FileTaskStatus = (typeof FILE_TASK_STATUSES)[number];

export type Algorithm = 'gzip' | 'zstd';

/** What a person asked for; kept as given. */
export interface FileTaskRequest {
  /** Shell wildcard on the path relative to the experiment's directory; `*` matches `/`, too. */
  pattern: string | null;
  /** RE2 regular expression; it must match some part of that path. */
  regex: string | null;
  /** A filter of the catalog, as text. */
  filter: string | null;
  /** Older versions as well; only for `delete`. */
  allVersions: boolean;
  /** Only for `compress`. */
  algorithm: Algorithm;
  /** After `compress` and `decompress` the originals go to the trash. */
  removeOriginals: boolean;
}

export interface FileTask {
  id: string;
  kind: FileTaskKind;
  experimentId: number;
  status: FileTaskStatus;
  request: FileTaskRequest;
  /** Proves that whoever starts the task has seen this very set; null while it is put together. */
  token: string | null;
  requestedBy: string;
  files: number;
  bytes: number;
  /** Of these files, how many have no source any more: the station removed it. */
  lastCopies: number;
  doneFiles: number;
  doneBytes: number;
  leftOutFiles: number;
  createdAt: Date;
  startedAt: Date | null;
  startedBy: string | null;
  endedAt: Date | null;
  undoneBy: string | null;
  /** Until then what was deleted can be brought back; null when nothing is in the trash. */
  trashUntil: Date | null;
}

/** What a task made of a file. */
export interface Derived {
  ledgerId: string;
  catalogId: string;
  version: number;
  /** Text form. */
  path: string;
  sizeBytes: number;
  md5Sum: string;
  contentMd5Sum: string;
  contentSizeBytes: number;
}

export interface FileTaskItem {
  ordinal: number;
  /** The catalog's document as it was when the set was put together; what an undo brings back. */
  document: CatalogFile;
  ledgerId: string;
  /** Where its primary copy stood, relative to the experiment's directory. */
  location: Buffer;
  state: 'pending' | 'done' | 'left-out' | 'restored';
  reasonCode: string | null;
  reason: string | null;
  derived: Derived | null;
  isInTrash: boolean;
}

/** What became of an item in one step; `left-out` names the reason and touches nothing. */
export type ItemOutcome =
  { kind: 'done'; isInTrash: boolean } | { kind: 'restored' } | { kind: 'left-out'; code: string; reason: string };

export function leftOut(code: string, reason: string): ItemOutcome {
  return { kind: 'left-out', code, reason };
}
