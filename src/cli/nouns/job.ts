import type { Command } from 'commander';
import { apiPath } from '../api-client.js';
import type { JobAnswer, WhyJob } from '../api-types.js';
import type { CliContext } from '../context.js';
import { CliExit, EXIT } from '../exit-codes.js';
import { JOB_COLUMNS, aboutJob, isJobEnded, whyJobText } from '../job-view.js';
import { parseKeyValues } from '../key-values.js';
import { parseCount, parseDuration, parseWorkflowRef } from '../parse-options.js';
import { safeLine } from '../safe-text.js';
import { waitUntilFinished } from '../wait.js';

interface StartOptions {
  experiment?: string;
  jobOwner?: string;
  wait?: boolean;
  timeout?: number;
}

interface ListOptions {
  workflow?: string;
  experiment?: string;
  status?: string;
  limit?: number;
}

/** `dm job start|list|show|why|stop|wait`. */
export function registerJob(program: Command, context: CliContext): void {
  const job = program.command('job').description('runs of workflows');

  job
    .command('start')
    .description('run a workflow')
    .argument('<owner/name>', 'the workflow')
    .argument('[key:value...]', 'its arguments, such as filePath:/data/a.h5')
    .option('-e, --experiment <name>', 'experiment that it belongs to')
    .option('--job-owner <username>', 'whom the job belongs to')
    .option('--wait', 'wait until it has ended; exit code 20 when it did not end well')
    .option('--timeout <duration>', 'stop waiting after so long; the job itself goes on', parseDuration)
    .action((reference: string, pairs: string[], options: StartOptions) => start(context, reference, pairs, options));

  job
    .command('list')
    .description('newest first')
    .option('--workflow <owner/name>')
    .option('-e, --experiment <name>')
    .option('--status <status>', 'such as running, done or failed')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async ({ limit, ...query }: ListOptions) => {
      const client = await context.client();
      await context.printList(client, '/jobs', {
        query: { ...query },
        limit,
        columns: JOB_COLUMNS,
        none: 'No job matches.',
      });
    });

  job
    .command('show')
    .description('its stages, with the command, exit status and output of each process')
    .argument('<id>')
    .action(async (id: string) => {
      const answer = await (await context.client()).get<JobAnswer>(apiPath`/jobs/${id}`);
      context.print(answer, () => aboutJob(answer));
    });

  job
    .command('why')
    .description('why a job stands where it stands')
    .argument('<id>')
    .action(async (id: string) => {
      const why = await (await context.client()).get<WhyJob>(apiPath`/jobs/${id}/why`);
      context.print(why, () => whyJobText(why));
    });

  job
    .command('stop')
    .description('end a job and its processes')
    .argument('<id>')
    .action(async (id: string) => {
      const answer = await (await context.client()).post<JobAnswer>(apiPath`/jobs/${id}/stop`);
      context.print(answer, () => `Job ${safeLine(id)} is ${safeLine(answer.status)}.`);
    });

  job
    .command('wait')
    .description('wait until a job has ended; exit code 20 when it did not end well')
    .argument('<id>')
    .option('--timeout <duration>', 'stop waiting after so long; the job itself goes on', parseDuration)
    .action((id: string, { timeout }: { timeout?: number }) => wait(context, id, timeout));
}

async function start(context: CliContext, reference: string, pairs: string[], options: StartOptions): Promise<void> {
  const workflow = parseWorkflowRef(reference);
  const args = parseKeyValues(pairs);
  const client = await context.client();
  const started = await client.post<JobAnswer>('/jobs', {
    workflow,
    args,
    ...(options.jobOwner === undefined ? {} : { owner: options.jobOwner }),
    ...(options.experiment === undefined ? {} : { experiment: options.experiment }),
  });
  if (options.wait === true || options.timeout !== undefined) {
    await wait(context, started.id, options.timeout);
    return;
  }
  context.print(
    started,
    () => `Job ${started.id} is ${safeLine(started.status)}; "dm job wait ${started.id}" waits for its end.`,
  );
}

async function wait(context: CliContext, id: string, timeoutSeconds: number | undefined): Promise<void> {
  const client = await context.client();
  const ended = await waitUntilFinished({
    read: () => client.get<JobAnswer>(apiPath`/jobs/${id}`),
    isFinished: isJobEnded,
    onOutage: (error) => context.remark(`${error.message}\nThe job goes on when the station is back; still waiting.`),
    timeoutSeconds,
  }).catch((error: unknown) => {
    if (error instanceof CliExit && error.exitCode === EXIT.timeout) {
      throw new CliExit(
        EXIT.timeout,
        error.code,
        `Job ${id} has not ended yet and goes on; "dm job why ${id}" tells more.`,
      );
    }
    throw error;
  });
  context.print(ended, () => aboutJob(ended));
  if (ended.status !== 'done') {
    context.exitCode = EXIT.workFailed;
  }
}
