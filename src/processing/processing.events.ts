import { z } from 'zod';
import type { NewEvent } from '../platform/events/index.js';
import type { Job } from './jobs/job.js';

function aboutJob(type: string, job: Pick<Job, 'id' | 'experimentId'>, data: Record<string, unknown>): NewEvent {
  return { type, experimentId: job.experimentId, subject: job.id, data: { jobId: job.id, ...data } };
}

export function jobSubmitted(
  job: Pick<Job, 'id' | 'experimentId' | 'owner' | 'workflowOwner' | 'workflowName' | 'triggerDepth' | 'input'>,
): NewEvent {
  return aboutJob('job.submitted', job, {
    owner: job.owner,
    workflow: { owner: job.workflowOwner, name: job.workflowName },
    triggerDepth: job.triggerDepth,
    filePath: job.input?.path ?? null,
  });
}

export function jobStarted(job: Job): NewEvent {
  return aboutJob('job.started', job, { workflow: { owner: job.workflowOwner, name: job.workflowName } });
}

export function jobFinished(job: Job): NewEvent {
  return aboutJob('job.finished', job, {
    workflow: { owner: job.workflowOwner, name: job.workflowName },
    status: job.status,
    stage: job.stage,
    reason: job.reason,
  });
}

/**
 * Asks the acquisition module to upload what a job left; it answers with `acquisition.finished`. Where the job's
 * definition accepts what jobs make, the upload asks for the same workflow again, as the acquisition did that brought
 * the job's own file; the depth ends that.
 */
export function resultsReady(job: Job, directory: string, destDirectory: string | undefined): NewEvent {
  const isTriggered = job.input !== null && job.definition.acceptsJobOutput === true;
  return aboutJob('results.ready', job, {
    requestKey: `job:${job.id}:${job.attempt}`,
    experimentId: job.experimentId,
    directory,
    ...(destDirectory === undefined ? {} : { destDirectory }),
    depth: job.triggerDepth,
    requestedBy: job.owner,
    metadata: {
      workflow: `${job.workflowOwner}/${job.workflowName}`,
      ...(job.facts['experimentFilePath'] === undefined ? {} : { inputFile: job.facts['experimentFilePath'] }),
    },
    ...(isTriggered
      ? { workflow: { owner: job.workflowOwner, name: job.workflowName, args: job.args, jobOwner: job.owner } }
      : {}),
  });
}

/** A file asked for a workflow and does not get it; `reason` is a sentence for a person. */
export function workflowRefused(request: WorkflowRequested, code: string, reason: string): NewEvent {
  return {
    type: 'workflow.refused',
    experimentId: request.experimentId,
    subject: request.file.path,
    data: { requestKey: request.requestKey, workflow: { owner: request.owner, name: request.workflow }, code, reason },
  };
}

export const workflowRequestedSchema = z.looseObject({
  requestKey: z.string().min(1),
  owner: z.string(),
  workflow: z.string(),
  jobOwner: z.string(),
  /** Who started the acquisition; the job's record names both. */
  requestedBy: z.string().optional(),
  experimentId: z.int(),
  experimentName: z.string(),
  args: z.record(z.string(), z.unknown()).default({}),
  file: z.looseObject({
    ledgerId: z.coerce.string(),
    catalogId: z.string().nullish(),
    path: z.string(),
    absolutePath: z.string(),
    sourcePath: z.string(),
    sizeBytes: z.coerce.number(),
    md5Sum: z.string().nullish(),
    version: z.coerce.number(),
    depth: z.int().min(0),
  }),
});

export type WorkflowRequested = z.infer<typeof workflowRequestedSchema>;

export const acquisitionFinishedSchema = z.looseObject({
  /** Null: the upload was refused before there was an acquisition. */
  acquisitionId: z.coerce.string().nullable(),
  jobId: z.string().nullish(),
  status: z.string(),
  errorMessage: z.string().nullish(),
});
