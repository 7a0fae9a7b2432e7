import { z } from 'zod';
import { type Job, JOB_STATUSES, type JobProcess, type JobStage } from './job.js';

const time = z.iso.datetime();

/** A job in a list. Times RFC 3339 in UTC; `runTime` in seconds. */
export const jobSummarySchema = z.object({
  id: z.uuid(),
  owner: z.string(),
  requestedBy: z.string(),
  workflow: z.object({ id: z.string(), owner: z.string(), name: z.string() }),
  experiment: z.string().nullable(),
  args: z.record(z.string(), z.unknown()),
  /** Output variables found so far, in text form. */
  variables: z.record(z.string(), z.string()),
  status: z.enum(JOB_STATUSES),
  /** Current or last stage. */
  stage: z.string().nullable(),
  countFiles: z.int(),
  triggerDepth: z.int(),
  input: z
    .object({ ledgerId: z.string(), catalogId: z.string().nullable(), path: z.string(), version: z.int() })
    .nullable(),
  submittedAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  runTime: z.number().nullable(),
  errorMessage: z.string().nullable(),
});

const childProcessSchema = z.object({
  childProcessNumber: z.int(),
  stageId: z.string(),
  /** After substitution, in text form. */
  command: z.string(),
  workingDir: z.string().nullable(),
  status: z.enum(['running', 'done', 'failed', 'lost', 'aborted']),
  exitStatus: z.int().nullable(),
  reason: z.string().nullable(),
  /** The end of the output (`processing.outputTailBytes`); bytes that are no text are shown as U+FFFD. */
  stdOut: z.string(),
  stdErr: z.string(),
  stdOutBytes: z.number(),
  stdErrBytes: z.number(),
  isTruncated: z.boolean(),
  submitTime: time,
  startTime: time.nullable(),
  endTime: time.nullable(),
  runTime: z.number().nullable(),
});

const stageViewSchema = z.object({
  key: z.string(),
  /** The template, before substitution. */
  command: z.string(),
  status: z.enum(['pending', 'running', 'done', 'failed', 'skipped', 'aborted']),
  reason: z.string().nullable(),
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  childProcesses: z.array(childProcessSchema),
});

/** A job with everything that is known about it. */
export const jobViewSchema = jobSummarySchema.extend({ stages: z.array(stageViewSchema) });

export type JobSummary = z.infer<typeof jobSummarySchema>;
export type ChildProcessView = z.infer<typeof childProcessSchema>;
export type StageView = z.infer<typeof stageViewSchema>;
export type JobView = z.infer<typeof jobViewSchema>;

export function jobSummary(job: Job): JobSummary {
  return {
    id: job.id,
    owner: job.owner,
    requestedBy: job.requestedBy,
    workflow: { id: job.workflowId, owner: job.workflowOwner, name: job.workflowName },
    experiment: job.experimentName,
    args: job.args,
    variables: job.outputs,
    status: job.status,
    stage: job.stage,
    countFiles: 'filePath' in job.facts ? 1 : 0,
    triggerDepth: job.triggerDepth,
    input: job.input,
    submittedAt: job.submittedAt.toISOString(),
    startedAt: job.startedAt?.toISOString() ?? null,
    endedAt: job.endedAt?.toISOString() ?? null,
    runTime: seconds(job.startedAt, job.endedAt),
    errorMessage: job.reason,
  };
}

export function jobView(job: Job, stages: readonly JobStage[], processes: readonly JobProcess[]): JobView {
  return {
    ...jobSummary(job),
    stages: stages.map((stage) => ({
      key: stage.key,
      command: job.definition.stages[stage.key]?.command ?? '',
      status: stage.status,
      reason: stage.reason,
      startedAt: stage.startedAt?.toISOString() ?? null,
      endedAt: stage.endedAt?.toISOString() ?? null,
      childProcesses: processes.filter((process) => process.stageKey === stage.key).map(childProcessView),
    })),
  };
}

function childProcessView(process: JobProcess): ChildProcessView {
  return {
    childProcessNumber: process.number,
    stageId: process.stageKey,
    command: process.command,
    workingDir: process.workingDir,
    status: process.status,
    exitStatus: process.exitStatus,
    reason: process.reason,
    stdOut: process.stdoutTail.toString('utf8'),
    stdErr: process.stderrTail.toString('utf8'),
    stdOutBytes: process.stdoutBytes,
    stdErrBytes: process.stderrBytes,
    isTruncated: process.isTruncated,
    submitTime: process.submittedAt.toISOString(),
    startTime: process.startedAt?.toISOString() ?? null,
    endTime: process.endedAt?.toISOString() ?? null,
    runTime: seconds(process.startedAt, process.endedAt),
  };
}

function seconds(from: Date | null, to: Date | null): number | null {
  return from === null || to === null ? null : Math.max(0, (to.getTime() - from.getTime()) / 1000);
}
