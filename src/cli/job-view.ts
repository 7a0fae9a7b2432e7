import type { ChildProcessAnswer, JobAnswer, WhyJob } from './api-types.js';
import { timelineText } from './file-view.js';
import { formatSpan, formatTime } from './format.js';
import { safeBlock, safeLine } from './safe-text.js';
import { type Column, facts } from './table.js';

const ENDED = new Set(['done', 'failed', 'aborted']);
/** Lines of output shown per process; `--json` has all that the station kept. */
const SHOWN_LINES = 20;

export function isJobEnded({ status }: { status: string }): boolean {
  return ENDED.has(status);
}

export const JOB_COLUMNS: readonly Column<JobAnswer>[] = [
  { title: 'id', value: ({ id }) => id },
  { title: 'status', value: ({ status }) => status },
  { title: 'workflow', value: ({ workflow }) => `${workflow.owner}/${workflow.name}` },
  { title: 'stage', value: ({ stage }) => stage },
  { title: 'experiment', value: ({ experiment }) => experiment },
  { title: 'owner', value: ({ owner }) => owner },
  { title: 'started', value: ({ startedAt }) => formatTime(startedAt) },
  { title: 'took', value: ({ startedAt, endedAt }) => formatSpan(startedAt, endedAt), align: 'right' },
  { title: 'error', value: ({ errorMessage }) => errorMessage },
];

export function aboutJob(job: JobAnswer): string {
  const head = facts([
    ['id', job.id],
    ['status', job.status],
    ['workflow', `${job.workflow.owner}/${job.workflow.name}`],
    ['experiment', job.experiment],
    ['owner', job.owner],
    ['file', job.input?.path],
    ['started', formatTime(job.startedAt)],
    ['ended', formatTime(job.endedAt)],
    ['took', formatSpan(job.startedAt, job.endedAt)],
    ['error', job.errorMessage],
    ...Object.entries(job.variables ?? {}).map(([name, value]): [string, unknown] => [`$${name}`, value]),
  ]);
  const stages = (job.stages ?? []).map((stage) =>
    [
      `${safeLine(stage.key)}  ${safeLine(stage.status)}${stage.reason === null ? '' : `: ${safeLine(stage.reason)}`}`,
      ...stage.childProcesses.map(aboutProcess),
    ].join('\n'),
  );
  return [head, ...stages].join('\n\n');
}

function aboutProcess(child: ChildProcessAnswer): string {
  const exit = child.exitStatus === null ? '' : `, exit status ${child.exitStatus}`;
  const took = formatSpan(child.startTime, child.endTime);
  return [
    `  $ ${safeBlock(child.command).replaceAll('\n', '\n    ')}`,
    `    ${safeLine(child.status)}${exit}${took === '' ? '' : `, ${took}`}${child.reason === null ? '' : `: ${safeLine(child.reason)}`}`,
    ...outputLines('out', child.stdOut),
    ...outputLines('err', child.stdErr),
  ].join('\n');
}

function outputLines(name: string, output: string): string[] {
  const lines = safeBlock(output).trimEnd().split('\n');
  if (lines.length === 1 && lines[0] === '') {
    return [];
  }
  const cut = lines.length > SHOWN_LINES ? [`    … ${lines.length - SHOWN_LINES} lines above; --json has them`] : [];
  return [...cut, ...lines.slice(-SHOWN_LINES).map((line) => `    ${name}| ${line}`)];
}

export function whyJobText(why: WhyJob): string {
  return [
    `Job ${safeLine(why.id)} ${safeLine(why.status)}`,
    safeLine(why.verdict),
    timelineText(why.timeline).join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
