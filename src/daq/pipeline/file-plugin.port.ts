import type { NewEvent } from '../../platform/events/index.js';
import type { NewReplica } from '../../storage/index.js';
import type { AcquisitionOptions } from '../acquisitions/acquisition.js';
import type { ClaimedRow, RowChange } from '../ledger/ledger-row.js';
import type { Displacement } from './file-outcome.js';

/** A file version on its way through the plug-ins, with all that they need. Paths are bytes. */
export interface PipelineFile {
  row: ClaimedRow;
  experiment: { id: number; name: string; directory: Buffer };
  acquisition: PipelineAcquisition;
}

export interface PipelineAcquisition {
  id: string;
  startedBy: string;
  options: AcquisitionOptions;
  sourceDirectory: Buffer;
  /** The file system that the directory was last seen on. */
  sourceDevice: string | null;
  /** The job whose results these files are; null for a detector's files. */
  jobId: string | null;
  /** How many workflow steps lie between a detector and this file. */
  triggerDepth: number;
  /** Somebody has stopped it: what is not begun yet is not begun. */
  isAborting: boolean;
  /** Directories, links resolved, that the source may lie below. */
  sourceRoots: readonly Buffer[];
}

/** What a plug-in says of one file. */
export type PluginOutcome =
  /** Done here; the file goes on to the next plug-in. */
  | {
      kind: 'passed';
      ledgerId: string;
      change?: Pick<RowChange, 'md5Sum' | 'isTransferred' | 'reprocesses' | 'dropsVersion'>;
      replica?: NewReplica;
      /** What became of the content of the version before. */
      displaced?: Displacement;
      events?: NewEvent[];
      /** Something that a person should know of, though the file goes on: kept with the row, shown by `dm file why`. */
      warning?: { code: string; message: string };
    }
  /** The file's way ends or pauses here. */
  | { kind: 'stopped'; ledgerId: string; change: Omit<RowChange, 'id'>; otherSourceOf?: string };

/**
 * One step of what happens to every finished file. Obligations:
 * - one outcome for each file given; a fault of one file never touches the others;
 * - repeating a call for a file is safe: after a crash the step of a file may run again;
 * - throwing means that the step as a whole cannot work now: all files of the call wait and come again.
 */
export interface FilePlugin {
  /** What `skipPlugins` of an acquisition names. */
  readonly name: string;
  /** Plug-ins run in ascending order; unique. transfer 100, catalog 200, workflow 300. */
  readonly order: number;
  /**
   * Set by a step that takes no time worth mentioning: what the steps before it did is written down together with it.
   * Otherwise that is written down first, so that a crash in this step does not repeat them.
   */
  readonly isBrief?: boolean;
  process(files: readonly PipelineFile[]): Promise<PluginOutcome[]>;
  /** Whether there is anything to do for a file; without it there is for every one. */
  appliesTo?(file: PipelineFile): boolean;
}

export const FILE_PLUGINS = Symbol('FilePlugins');
