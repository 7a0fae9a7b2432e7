import type { JobAnswer } from '../../cli/api-types.js';
import { whyFileText } from '../../cli/file-view.js';
import { formatBytes, formatSeconds, formatSpan } from '../../cli/format.js';
import { aboutJob } from '../../cli/job-view.js';
import { statisticsText } from '../../cli/statistics-view.js';
import { table } from '../../cli/table.js';
import type { DemoFacts } from './demo-facts.js';
import type { Narrator } from './narrator.js';
import type { ReportedFile } from './demo-report.js';

/** What a scientist wants to see of a night's work, as `dm` shows it. */
export function showFacts(narrator: Narrator, facts: DemoFacts, files: readonly ReportedFile[]): void {
  narrator.next('The files, as the catalog has them  (dm file list)');
  const metadata = new Map(facts.catalog.map((file) => [file.path, file.metadata]));
  narrator.say(
    table(files, [
      { title: 'path', value: ({ path }) => path },
      { title: 'size', value: ({ size }) => formatBytes(size), align: 'right' },
      { title: 'md5', value: ({ md5Sum }) => md5Sum },
      { title: 'state', value: ({ state }) => state },
      {
        title: 'safe after',
        value: ({ secondsFromCompleteToCataloged: seconds }) => (seconds === null ? '' : formatSeconds(seconds)),
        align: 'right',
      },
      { title: 'metadata', value: ({ path }) => shortMetadata(metadata.get(path)) },
    ]),
  );

  narrator.next('How much it is  (dm stats)');
  narrator.say(statisticsText(facts.statistics));

  narrator.next('What ran on them  (dm job list, dm job show)');
  narrator.say(
    table(facts.jobs, [
      { title: 'status', value: ({ status }) => status },
      { title: 'stages', value: ({ stages = [] }) => stages.map(({ status }) => status).join(' ') },
      { title: 'took', value: ({ startedAt, endedAt }) => formatSpan(startedAt, endedAt), align: 'right' },
      { title: 'file', value: ({ input }) => input?.path },
      { title: 'signature', value: ({ variables }) => variables?.['signature'] },
    ]),
  );
  const one = jobToShow(facts.jobs);
  if (one !== undefined) {
    narrator.say(`\nOne of them in full:\n\n${aboutJob(one)}`);
  }

  narrator.next('What became of one file  (dm file why)');
  narrator.say(whyFileText(facts.why));
}

/** The one whose name looks most like an attack; its output shows that it was none. */
function jobToShow(jobs: readonly JobAnswer[]): JobAnswer | undefined {
  return jobs.find(({ input }) => input?.path.includes('$(') === true) ?? jobs[0];
}

function shortMetadata(metadata: Record<string, unknown> | undefined): string {
  return Object.entries(metadata ?? {})
    .filter(([key]) => key !== 'jobId')
    .map(([key, value]) => `${key}:${String(value)}`)
    .join(' ');
}
