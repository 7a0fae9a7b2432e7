import type { Command } from 'commander';
import { apiPath } from '../api-client.js';
import type { ReaderAnswer, ReaderTrialAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { usageError } from '../exit-codes.js';
import { fileName } from '../file-path.js';
import { formatTime } from '../format.js';
import { parseKeyValues } from '../key-values.js';
import { collect, parseCount, parseDuration } from '../parse-options.js';
import { safeBlock, safeLine } from '../safe-text.js';
import { type Column, facts } from '../table.js';

interface SetOptions {
  command?: string;
  argument?: string[];
  format?: string[];
  files?: string[];
  env?: string[];
  order?: number;
  timeout?: number;
  memory?: number;
  off?: boolean;
  on?: boolean;
}

const COLUMNS: readonly Column<ReaderAnswer>[] = [
  { title: 'order', value: ({ order }) => order, align: 'right' },
  { title: 'reader', value: ({ name, isBuiltIn }) => (isBuiltIn ? name : `${name} (own)`) },
  { title: 'state', value: ({ isEnabled }) => (isEnabled ? 'on' : 'off') },
  { title: 'reads', value: readsWhat },
  { title: 'command', value: ({ command }) => command?.join(' ') ?? null },
  { title: 'limit', value: ({ timeoutSeconds }) => `${timeoutSeconds} s` },
  { title: 'memory', value: ({ memoryMegabytes }) => `${memoryMegabytes} MB` },
];

/** `dm reader list|show|set|remove|try`. */
export function registerReader(program: Command, context: CliContext): void {
  const reader = program.command('reader').description('what reads metadata out of files (needs the role manager)');

  reader
    .command('list')
    .description('readers in the order in which they are asked')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async ({ limit }: { limit?: number }) => {
      const none = 'There is no reader.';
      await context.printList(await context.client(), '/metadata-readers', { limit, columns: COLUMNS, none });
    });

  reader
    .command('show')
    .description('one reader with all its settings')
    .argument('<name>')
    .action(async (name: string) => {
      const answer = await (await context.client()).get<ReaderAnswer>(apiPath`/metadata-readers/${name}`);
      context.print(answer, () => about(answer));
    });

  reader
    .command('set')
    .description('define a reader of your own, or change one; what is not named stays')
    .argument('<name>')
    .option('--command <path>', 'absolute path of the executable on the station')
    .option('--argument <text>', 'an argument for it (again for more); {file} stands for the file', collect)
    .option('--format <format>', 'reads files of this format (again for more)', collect)
    .option('--files <wildcard>', 'reads files whose path or name fits (again for more)', collect)
    .option('--env <name:value>', 'in its environment (again for more)', collect)
    .option('--order <n>', 'readers are asked lowest first', parseCount)
    .option('--timeout <duration>', 'per file, such as 30s', parseDuration)
    .option('--memory <megabytes>', 'most memory', parseCount)
    .option('--on', 'switch it on')
    .option('--off', 'switch it off')
    .action((name: string, options: SetOptions) => set(context, name, options));

  reader
    .command('remove')
    .description('remove a reader; a built-in one gets its defaults back')
    .argument('<name>')
    .action(async (name: string) => {
      await context.confirm(`This removes the metadata reader ${safeLine(name)}.`);
      await (await context.client()).delete(apiPath`/metadata-readers/${name}`);
      context.print({ removed: name }, () => `Removed ${safeLine(name)}.`);
    });

  reader
    .command('try')
    .description('what a reader finds in a file of an experiment; nothing is recorded')
    .argument('<reader>', 'its name, or "auto" for the one that such a file would get')
    .argument('<file>', 'path as "dm file list" shows it')
    .option('-e, --experiment <name>', 'the experiment (or DM_EXPERIMENT)')
    .option('--file-version <n>', 'an older version', parseCount)
    .action((name: string, file: string, options: { experiment?: string; fileVersion?: number }) =>
      tryOut(context, name, file, options),
    );
}

async function set(context: CliContext, name: string, options: SetOptions): Promise<void> {
  if (options.on === true && options.off === true) {
    throw usageError('Say either --on or --off.');
  }
  if (options.argument !== undefined && options.command === undefined) {
    throw usageError('--argument belongs to --command; give both.');
  }
  const client = await context.client();
  const { items } = await client.get<{ items: ReaderAnswer[] }>('/metadata-readers');
  const known = items.find((each) => each.name === name);
  const given = {
    isEnabled: options.on === true ? true : options.off === true ? false : known?.isEnabled,
    order: options.order ?? known?.order,
    formats: options.format ?? known?.formats,
    files: options.files ?? known?.files,
    command: options.command === undefined ? known?.command : [options.command, ...(options.argument ?? [])],
    environment: options.env === undefined ? known?.environment : parseKeyValues(options.env),
    timeoutSeconds: options.timeout ?? known?.timeoutSeconds,
    memoryMegabytes: options.memory ?? known?.memoryMegabytes,
  };
  const answer = await client.put<ReaderAnswer>(apiPath`/metadata-readers/${name}`, given);
  context.print(answer, () => about(answer));
}

async function tryOut(
  context: CliContext,
  name: string,
  file: string,
  options: { experiment?: string; fileVersion?: number },
): Promise<void> {
  const client = await context.client();
  const { experiment, path } = await fileName(context, client, file, options.experiment);
  const answer = await client.post<ReaderTrialAnswer>('/metadata-readers/trial', {
    experiment,
    path,
    version: options.fileVersion,
    reader: name === 'auto' ? undefined : name,
  });
  context.print(answer, () => {
    const head = facts([
      ['format', answer.format ?? 'unknown'],
      ['reader', answer.reader ?? 'none knows this file'],
      ['complaint', answer.complaint ?? 'none'],
    ]);
    return answer.raw === null ? head : `${head}\n\n${safeBlock(JSON.stringify(answer.raw, null, 2))}`;
  });
}

function about(reader: ReaderAnswer): string {
  return facts([
    ['reader', reader.isBuiltIn ? `${reader.name} (built in)` : reader.name],
    ['state', reader.isEnabled ? 'on' : 'off'],
    ['order', reader.order],
    ['reads', readsWhat(reader)],
    ['command', reader.command?.join(' ') ?? null],
    [
      'environment',
      Object.entries(reader.environment)
        .map(([key, value]) => `${key}:${value}`)
        .join(' ') || null,
    ],
    ['limit', `${reader.timeoutSeconds} s, ${reader.memoryMegabytes} MB`],
    ['changed', reader.updatedAt === null ? null : `${formatTime(reader.updatedAt)} by ${reader.updatedBy}`],
  ]);
}

function readsWhat({ formats, files }: ReaderAnswer): string {
  return [...formats, ...files].join(', ');
}
