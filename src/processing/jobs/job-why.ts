import type { Job, JobProcess, JobStage } from './job.js';

export interface JobWhy {
  id: string;
  status: string;
  /** Where the job stands and why, in one or two sentences. */
  verdict: string;
  timeline: { at: string; what: string }[];
}

/** Answers "why is this job not done?" from its records alone. */
export function whyJob(job: Job, stages: readonly JobStage[], processes: readonly JobProcess[], now: Date): JobWhy {
  return {
    id: job.id,
    status: job.status,
    verdict: verdict(job, stages, processes, now),
    timeline: timeline(job, stages, processes),
  };
}

function verdict(job: Job, stages: readonly JobStage[], processes: readonly JobProcess[], now: Date): string {
  switch (job.status) {
    case 'pending':
      return 'It waits for a free place; jobs run in the order of their submission (processing.concurrency at a time).';
    case 'running':
      return runningVerdict(job, processes, now);
    case 'finalizing':
      return 'All stages are done; its results are being uploaded into the experiment.';
    case 'aborting':
      return `A stop was asked for by ${job.stoppedBy ?? 'a person'}; its processes are being ended.${job.reason === null ? '' : ` ${job.reason}`}`;
    case 'done':
      return skippedNote(stages);
    case 'failed':
      return job.reason ?? 'It failed, and no reason was recorded.';
    case 'aborted':
      return job.reason ?? 'It was stopped.';
  }
}

function runningVerdict(job: Job, processes: readonly JobProcess[], now: Date): string {
  if (job.notBefore !== null && job.notBefore > now) {
    return `Stage ${job.stage ?? ''} goes on at ${job.notBefore.toISOString()}: it repeats, or the station could not go on with it and tries again.`;
  }
  const running = processes.findLast((process) => process.status === 'running');
  return running === undefined
    ? 'It is between two stages.'
    : `Stage ${running.stageKey} has been running since ${(running.startedAt ?? running.submittedAt).toISOString()}: ${running.command}`;
}

function skippedNote(stages: readonly JobStage[]): string {
  const skipped = stages.filter((stage) => stage.status === 'skipped').map((stage) => stage.key);
  return skipped.length === 0
    ? 'All stages ended well.'
    : `All stages ended well; skipped by their condition: ${skipped.join(', ')}.`;
}

function timeline(job: Job, stages: readonly JobStage[], processes: readonly JobProcess[]): JobWhy['timeline'] {
  const moments: { at: Date | null; what: string }[] = [
    {
      at: job.submittedAt,
      what: `submitted by ${job.requestedBy}${job.input === null ? '' : ` for ${job.input.path}`}`,
    },
    { at: job.startedAt, what: 'started' },
    ...stages
      .filter((stage) => stage.status === 'skipped')
      .map((stage) => ({ at: stage.endedAt, what: `stage ${stage.key} skipped: ${stage.reason ?? ''}` })),
    ...processes.flatMap((process) => [
      {
        at: process.startedAt ?? process.submittedAt,
        what: `stage ${process.stageKey} process ${process.number} started: ${process.command}`,
      },
      {
        at: process.endedAt,
        what: `stage ${process.stageKey} process ${process.number} ${process.status}${process.reason === null ? '' : `: ${process.reason}`}`,
      },
    ]),
    { at: job.endedAt, what: `${job.status}${job.reason === null ? '' : `: ${job.reason}`}` },
  ];
  return moments
    .flatMap(({ at, what }) => (at === null ? [] : [{ at, what }]))
    .sort((a, b) => a.at.getTime() - b.at.getTime())
    .map(({ at, what }) => ({ at: at.toISOString(), what }));
}
