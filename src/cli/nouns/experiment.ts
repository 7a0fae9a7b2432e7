import type { Command } from 'commander';
import { ApiError } from '../api-error.js';
import { type ApiClient, apiPath } from '../api-client.js';
import type { ExperimentAnswer, MemberAnswer, Statistics } from '../api-types.js';
import type { CliContext } from '../context.js';
import { formatBytes, formatTime, plural } from '../format.js';
import { parseCount } from '../parse-options.js';
import { safeLine } from '../safe-text.js';
import { type Column, facts } from '../table.js';
import { registerExperimentTypes } from './experiment-type.js';
import { registerManifest } from './manifest.js';

const COLUMNS: readonly Column<ExperimentAnswer>[] = [
  { title: 'name', value: (experiment) => experiment.name },
  { title: 'type', value: (experiment) => experiment.type },
  { title: 'start', value: (experiment) => experiment.startDate },
  { title: 'end', value: (experiment) => experiment.endDate },
  { title: 'created', value: (experiment) => formatTime(experiment.createdAt) },
  { title: 'description', value: (experiment) => experiment.description },
];

interface ExperimentOptions {
  type?: string;
  description?: string;
  rootPath?: string;
  startDate?: string;
  endDate?: string;
}

/** `dm experiment list|create|show|update|delete|manifest|member …|type …`. */
export function registerExperiment(program: Command, context: CliContext): void {
  const experiment = program.command('experiment').description('experiments and who belongs to them');

  experiment
    .command('list')
    .description('the experiments that you may see, by name')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async ({ limit }: { limit?: number }) => {
      const client = await context.client();
      await context.printList(client, '/experiments', { limit, columns: COLUMNS, none: 'You see no experiments yet.' });
    });

  withFields(experiment.command('create').description('create an experiment and its directories').argument('<name>'))
    .option('--root-path <path>', 'directory between the station and the experiment, such as 2026-3')
    .action(async (name: string, options: ExperimentOptions) => {
      const answer = await (await context.client()).post<ExperimentAnswer>('/experiments', { name, ...options });
      context.print(
        answer,
        () => `Created ${safeLine(answer.name)}; its data goes to ${safeLine(answer.storageDirectory)}`,
      );
    });

  experiment
    .command('show')
    .description('one experiment with its members')
    .argument('<name>')
    .action((name: string) => show(context, name));

  withFields(experiment.command('update').description('change an experiment').argument('<name>')).action(
    async (name: string, options: ExperimentOptions) => {
      const client = await context.client();
      const answer = await client.patch<ExperimentAnswer>(apiPath`/experiments/${name}`, options);
      context.print(answer, () => `Changed ${safeLine(answer.name)}.`);
    },
  );

  experiment
    .command('delete')
    .description('delete an experiment from the station; its directory moves aside, no file is deleted')
    .argument('<name>')
    .option('--force', 'also when it has files')
    .action((name: string, { force }: { force?: boolean }) => remove(context, name, force === true));

  registerManifest(experiment, context);
  registerMembers(experiment, context);
  registerExperimentTypes(experiment, context);
}

function registerMembers(experiment: Command, context: CliContext): void {
  const member = experiment.command('member').description('who belongs to an experiment');
  member
    .command('list')
    .description('its members')
    .argument('<experiment>')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async (name: string, { limit }: { limit?: number }) => {
      const columns: Column<MemberAnswer>[] = [
        { title: 'username', value: ({ username }) => username },
        { title: 'role', value: ({ role }) => role },
      ];
      const path = apiPath`/experiments/${name}/members`;
      await context.printList(await context.client(), path, {
        limit,
        columns,
        none: `${safeLine(name)} has no members.`,
      });
    });
  member
    .command('add')
    .description('add a member, or change the role of one')
    .argument('<experiment>')
    .argument('<username>')
    .option('--role <role>', 'User (reads, starts jobs) or PI (also members and acquisitions)', 'User')
    .action(async (name: string, username: string, { role }: { role: string }) => {
      await (await context.client()).put(apiPath`/experiments/${name}/members/${username}`, { role });
      context.print(
        { experiment: name, username, role },
        () => `${safeLine(username)} is ${safeLine(role)} of ${safeLine(name)}.`,
      );
    });
  member
    .command('remove')
    .description('take a member out')
    .argument('<experiment>')
    .argument('<username>')
    .action(async (name: string, username: string) => {
      await (await context.client()).delete(apiPath`/experiments/${name}/members/${username}`);
      context.print({ experiment: name, removed: username }, () => `${safeLine(username)} has left ${safeLine(name)}.`);
    });
}

function withFields(command: Command): Command {
  return command
    .option('--type <type>', 'one of the experiment types of the station')
    .option('--description <text>')
    .option('--start-date <date>', 'such as 2026-11-21')
    .option('--end-date <date>');
}

async function show(context: CliContext, name: string): Promise<void> {
  const client = await context.client();
  const [experiment, members, statistics] = await Promise.all([
    client.get<ExperimentAnswer>(apiPath`/experiments/${name}`),
    client.allItems<MemberAnswer>(apiPath`/experiments/${name}/members`),
    statisticsIfAny(client, name),
  ]);
  context.print({ ...experiment, members, statistics }, () =>
    facts([
      ['name', experiment.name],
      ['type', experiment.type],
      ['description', experiment.description],
      ['dates', [experiment.startDate, experiment.endDate].filter(Boolean).join(' to ')],
      ['directory', experiment.storageDirectory],
      ['created', formatTime(experiment.createdAt)],
      ['members', members.map(({ username, role }) => `${username} (${role})`).join(', ') || 'none'],
      ['files', statistics === null ? 'not known now' : contents(statistics)],
    ]),
  );
}

/** An experiment can be shown while its catalog is away. */
async function statisticsIfAny(client: ApiClient, name: string): Promise<Statistics | null> {
  try {
    return await client.get<Statistics>(apiPath`/experiments/${name}/stats`);
  } catch (error) {
    if (error instanceof ApiError && error.retryable) {
      return null;
    }
    throw error;
  }
}

async function remove(context: CliContext, name: string, isForced: boolean): Promise<void> {
  const client = await context.client();
  await client.get(apiPath`/experiments/${name}`); // a wrong name is said before anybody is asked
  const statistics = await client.get<Statistics>(apiPath`/experiments/${name}/stats`);
  await context.confirm(
    `This takes ${name} with its records of ${contents(statistics)} out of the station; its directory moves aside.`,
  );
  const { removedDirectory } = await client.delete<{ removedDirectory: string }>(apiPath`/experiments/${name}`, {
    force: isForced,
  });
  context.print(
    { deleted: name, removedDirectory },
    () => `Deleted ${safeLine(name)}; its directory is now ${safeLine(removedDirectory)}`,
  );
}

function contents({ countFiles, totalBytes }: Statistics): string {
  return `${plural(countFiles, 'file')}, ${formatBytes(totalBytes)}`;
}
