import type { ProcessReference } from '../launcher/launcher.port.js';
import type { WorkflowDefinition } from '../definitions/workflow-definition.schema.js';

/**
 * `pending` waits for a free place; `running`; `finalizing`: its results are being uploaded; `aborting`: a stop was asked
 * for. The others are final (dm-interfaces 4.10).
 */
export const JOB_STATUSES = ['pending', 'running', 'finalizing', 'done', 'failed', 'aborting', 'aborted'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];
export const ENDED_STATUSES: readonly JobStatus[] = ['done', 'failed', 'aborted'];

export type StageStatus = 'pending' | 'running' | 'done' | 'failed' | 'skipped' | 'aborted';
/** `lost`: it began, is gone, and nobody knows how it ended. */
export type ProcessStatus = 'running' | 'done' | 'failed' | 'lost' | 'aborted';

/** A file that started a job, as the acquisition described it. */
export interface JobInput {
  ledgerId: string;
  catalogId: string | null;
  path: string;
  version: number;
}

export interface Job {
  id: string;
  seq: string;
  requestKey: string | null;
  owner: string;
  requestedBy: string;
  workflowId: string;
  workflowOwner: string;
  workflowName: string;
  /** The definition as it was when the job was submitted. */
  definition: WorkflowDefinition;
  experimentId: number | null;
  experimentName: string | null;
  /** As the person gave them. */
  args: Record<string, unknown>;
  /** What the station knows about the input; paths in text form. */
  facts: Record<string, string>;
  /** Output variables found so far, in the text form of their bytes. */
  outputs: Record<string, string>;
  input: JobInput | null;
  /** How many jobs lead to the files that this one makes: 1, or one more than the depth of the file that started it. */
  triggerDepth: number;
  status: JobStatus;
  /** Why it is not done: one sentence. */
  reason: string | null;
  /** Current or last stage. */
  stage: string | null;
  attempt: number;
  notBefore: Date | null;
  stoppedBy: string | null;
  resultsAcquisitionId: string | null;
  submittedAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
  leaseOwner: string | null;
  /** Grows with each claim; every write of a runner names it, so that one that lost the job cannot write any more. */
  fence: string;
}

export interface JobStage {
  key: string;
  position: number;
  status: StageStatus;
  reason: string | null;
  startedAt: Date | null;
  endedAt: Date | null;
}

export interface JobProcess {
  /** Runs over the whole job, from 0. */
  number: number;
  stageKey: string;
  /** How often it was tried to launch it; only a process that certainly never began is launched again. */
  launch: number;
  status: ProcessStatus;
  reference: ProcessReference;
  command: string;
  workingDir: string | null;
  exitStatus: number | null;
  reason: string | null;
  stdoutTail: Buffer;
  stderrTail: Buffer;
  stdoutBytes: number;
  stderrBytes: number;
  isTruncated: boolean;
  submittedAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
}
