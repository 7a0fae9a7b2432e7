import type { Command } from 'commander';
import { type ApiClient, apiPath } from '../api-client.js';
import type { FileTaskAnswer, FileTaskItemAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { EXIT, usageError } from '../exit-codes.js';
import { formatBytes, formatCount, formatTime } from '../format.js';
import { parseCount } from '../parse-options.js';
import { ProgressBar } from '../progress-bar.js';
import { safeLine } from '../safe-text.js';
import { type Column, facts } from '../table.js';
import { waitUntilFinished } from '../wait.js';

export interface FileTaskOptions {
  experiment?: string;
  pattern?: string;
  regex?: string;
  filter?: string;
  allVersions?: boolean;
  algorithm?: string;
  removeOriginals?: boolean;
  preview?: boolean;
  wait?: boolean;
}

type Kind = 'compress' | 'decompress' | 'delete';

/** How many files a preview names; the rest is a command away. */
const NAMED = 20;
const WORKING = new Set(['running', 'cancelling', 'undoing', 'emptying']);

const ITEM_COLUMNS: readonly Column<FileTaskItemAnswer>[] = [
  { title: 'state', value: ({ state }) => state },
  { title: 'version', value: ({ version }) => version, align: 'right' },
  { title: 'size', value: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
  { title: 'path', value: ({ path }) => path },
  { title: 'reason', value: ({ reason }) => reason },
];

const TASK_COLUMNS: readonly Column<FileTaskAnswer>[] = [
  { title: 'id', value: ({ id }) => id },
  { title: 'kind', value: ({ kind }) => kind },
  { title: 'status', value: ({ status }) => status },
  { title: 'experiment', value: ({ experiment }) => experiment },
  { title: 'files', value: ({ files }) => formatCount(files), align: 'right' },
  { title: 'done', value: ({ doneFiles }) => formatCount(doneFiles), align: 'right' },
  { title: 'left out', value: ({ leftOutFiles }) => formatCount(leftOutFiles), align: 'right' },
  { title: 'size', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
  { title: 'by', value: ({ startedBy, requestedBy }) => startedBy ?? requestedBy },
  { title: 'at', value: ({ createdAt }) => formatTime(createdAt) },
  { title: 'trash until', value: ({ trashUntil }) => formatTime(trashUntil) },
];

export function withSelection(command: Command): Command {
  return command
    .option('-e, --experiment <name>', 'the experiment (or DM_EXPERIMENT)')
    .option('--pattern <wildcard>', 'paths as "dm file list" shows them, such as "data/test_*"; * matches /, too')
    .option('--regex <expression>', 'an RE2 regular expression that matches some part of the path')
    .option('--filter <json>', 'a filter of the catalog')
    .option('--preview', 'only show which files')
    .option('--no-wait', 'return as soon as the task has begun');
}

/** `dm file compress|decompress`, `dm file task list|show|items|undo|cancel|empty`. */
export function registerFileTasks(file: Command, context: CliContext): void {
  withSelection(file.command('compress').description('make compressed twins of stored files, proven by reading back'))
    .option('--algorithm <name>', 'gzip or zstd', 'gzip')
    .option('--remove-originals', 'then move the originals to the trash')
    .action((options: FileTaskOptions) => runFileTask(context, 'compress', options));
  withSelection(file.command('decompress').description('make plain twins of stored .gz and .zst files'))
    .option('--remove-originals', 'then move the compressed files to the trash')
    .action((options: FileTaskOptions) => runFileTask(context, 'decompress', options));

  const task = file.command('task').description('what was done to stored files at large, by whom, and undoing it');
  task
    .command('list')
    .option('-e, --experiment <name>')
    .option('--status <status>')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async ({ limit, ...query }: { experiment?: string; status?: string; limit?: number }) => {
      const none = 'No file task matches.';
      await context.printList(await context.client(), '/file-tasks', { query, limit, columns: TASK_COLUMNS, none });
    });
  task
    .command('show')
    .argument('<id>')
    .action(async (id: string) => {
      const answer = await (await context.client()).get<FileTaskAnswer>(apiPath`/file-tasks/${id}`);
      context.print(answer, () => aboutTask(answer));
    });
  task
    .command('items')
    .description('its files, and what became of each')
    .argument('<id>')
    .option('--state <state>', 'pending, done, left-out or restored')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async (id: string, { limit, ...query }: { state?: string; limit?: number }) => {
      const path = apiPath`/file-tasks/${id}/items`;
      await context.printList(await context.client(), path, { query, limit, columns: ITEM_COLUMNS, none: 'No file.' });
    });
  task
    .command('undo')
    .description('bring back from the trash what it deleted')
    .argument('<id>')
    .action((id: string) => order(context, id, 'undo'));
  task
    .command('cancel')
    .description('stop it after the file that it is at')
    .argument('<id>')
    .action((id: string) => order(context, id, 'cancel'));
  task
    .command('empty')
    .description('empty its trash at once')
    .argument('<id>')
    .action(async (id: string) => {
      const client = await context.client();
      const found = await client.get<FileTaskAnswer>(apiPath`/file-tasks/${id}`);
      await context.confirm(
        `This deletes ${formatCount(found.doneFiles)} files (${formatBytes(found.doneBytes)}) of ${found.experiment} for good.`,
      );
      await order(context, id, 'empty');
    });
}

/** Preview, question, start, wait: the person sees count and bytes before anything is touched. */
export async function runFileTask(context: CliContext, kind: Kind, options: FileTaskOptions): Promise<void> {
  if (options.pattern === undefined && options.regex === undefined && options.filter === undefined) {
    throw usageError('Which files? Say --pattern, --regex or --filter; --pattern "*" means all.');
  }
  const client = await context.client();
  const { pattern, regex, filter, allVersions, algorithm, removeOriginals } = options;
  const experiment = context.experiment(options.experiment);
  const preview = await client.post<FileTaskAnswer>('/file-tasks', {
    kind,
    experiment,
    ...JSON.parse(JSON.stringify({ pattern, regex, filter, allVersions, algorithm, removeOriginals })),
  });
  const path = apiPath`/file-tasks/${preview.id}/items`;
  const named = await client.allItems<FileTaskItemAnswer>(path, {}, NAMED);
  if (options.preview === true) {
    context.print({ ...preview, items: named }, () => previewText(preview, named));
    return;
  }
  context.remark(previewText(preview, named));
  if (kind === 'delete' || removeOriginals === true) {
    await context.confirm(consequence(kind, preview));
  }
  const started = await client.post<FileTaskAnswer>(apiPath`/file-tasks/${preview.id}/start`, { token: preview.token });
  if (options.wait === false) {
    context.print(
      started,
      () => `File task ${started.id} is under way; "dm file task show ${started.id}" tells how it goes.`,
    );
    return;
  }
  await follow(context, client, started.id);
}

function consequence(kind: Kind, { files, bytes, experiment, lastCopies }: FileTaskAnswer): string {
  const what = `${formatCount(files)} files (${formatBytes(bytes)}) of ${experiment}`;
  const last =
    lastCopies === 0 ? '' : ` ${formatCount(lastCopies)} of them have no source any more: these are the last copies.`;
  return kind === 'delete'
    ? `This moves ${what} to the trash and out of the catalog.${last}`
    : `This moves the originals of ${what} to the trash once their twins are proven.`;
}

async function order(context: CliContext, id: string, verb: 'undo' | 'cancel' | 'empty'): Promise<void> {
  const client = await context.client();
  await client.post(`${apiPath`/file-tasks/${id}`}/${verb}`);
  await follow(context, client, id);
}

async function follow(context: CliContext, client: ApiClient, id: string): Promise<void> {
  const bar = new ProgressBar(context.io.stderr);
  const ended = await waitUntilFinished({
    read: () => client.get<FileTaskAnswer>(apiPath`/file-tasks/${id}`),
    isFinished: ({ status }) => !WORKING.has(status),
    onState: (task) =>
      bar.update({
        filesDone: task.doneFiles + task.leftOutFiles,
        filesTotal: task.files,
        isTotalKnown: true,
        bytesDone: task.doneBytes,
        bytesTotal: task.bytes,
        bytesLeft: task.bytes - task.doneBytes,
        note: task.status,
      }),
  }).finally(() => bar.clear());
  context.print(ended, () => aboutTask(ended));
  if (ended.leftOutFiles > 0) {
    context.remark(`${formatCount(ended.leftOutFiles)} files were left out: dm file task items ${id} --state left-out`);
    context.exitCode = EXIT.workFailed;
  }
}

function previewText(task: FileTaskAnswer, named: readonly FileTaskItemAnswer[]): string {
  const lines = named.map(({ path, version }) => `  ${safeLine(path)}  (version ${version})`);
  if (task.files > named.length) {
    lines.push(`  and ${formatCount(task.files - named.length)} more: dm file task items ${task.id}`);
  }
  return [`${formatCount(task.files)} files, ${formatBytes(task.bytes)}:`, ...lines].join('\n');
}

function aboutTask(task: FileTaskAnswer): string {
  return facts([
    ['id', task.id],
    ['kind', task.kind],
    ['status', task.status],
    ['experiment', task.experiment],
    [
      'files',
      `${formatCount(task.doneFiles)} of ${formatCount(task.files)} done, ${formatCount(task.leftOutFiles)} left out`,
    ],
    ['bytes', `${formatBytes(task.doneBytes)} of ${formatBytes(task.bytes)}`],
    ['asked for by', task.requestedBy],
    ['started', [formatTime(task.startedAt), task.startedBy === null ? '' : `by ${task.startedBy}`].join(' ')],
    ['ended', formatTime(task.endedAt)],
    ['undone by', task.undoneBy],
    ['in the trash until', formatTime(task.trashUntil)],
  ]);
}
