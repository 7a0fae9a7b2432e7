import type { PipelineFile } from '../pipeline/file-plugin.port.js';

/** What a step says of one file. */
export type FileVerdict =
  /** `metadata` goes into the file's catalog document. */
  | { kind: 'passed'; warning?: { code: string; message: string }; metadata?: Record<string, unknown> }
  | PluginFault
  /** Not tried, for no fault of the file or the plug-in; comes again soon. */
  | { kind: 'waits'; reason: string; dueInSeconds: number };

export interface PluginFault {
  kind: 'fault';
  code: string;
  message: string;
  /** What the plug-in leans on does not answer: after some of these in a row it is left alone for a while. */
  isSystemic?: boolean;
  /** Recorded when the file passes in spite of the fault. */
  metadata?: Record<string, unknown>;
}

/**
 * What a plug-in does, without the worries that all of them share (time limits, retries, counting), which
 * `GuardedPlugin` has. Obligations: one verdict for each file given, in their order; repeating a call is safe; throwing
 * is a fault of all files of the call; soon after `signal` is aborted the work ends, or nobody waits for it any longer.
 */
export interface PluginStep {
  readonly name: string;
  /** Whether a call takes one file or a batch. */
  readonly form: 'file' | 'batch';
  process(files: readonly PipelineFile[], signal: AbortSignal): Promise<FileVerdict[]>;
  /** Whether there is anything to do for a file; without it there is for every one. */
  appliesTo?(file: PipelineFile): boolean;
  /** Just now a call may hold one file, with no other call beside it. */
  wantsOneByOne?(): boolean;
  close?(): Promise<void>;
}
