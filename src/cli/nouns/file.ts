import type { Command } from 'commander';
import { type ApiClient, apiPath } from '../api-client.js';
import type { FileAnswer, WhyFile } from '../api-types.js';
import type { CliContext } from '../context.js';
import { usageError } from '../exit-codes.js';
import { fileName, getFile } from '../file-path.js';
import { FILE_COLUMNS, aboutFile, whyFileText } from '../file-view.js';
import { parseKeyValues } from '../key-values.js';
import { collect, parseCount, parseJsonObject } from '../parse-options.js';
import { safeLine } from '../safe-text.js';
import { type FileTaskOptions, registerFileTasks, runFileTask, withSelection } from './file-task.js';
import { registerLedgerActions } from './ledger-action.js';
import { streamLines } from '../stream-lines.js';

interface ListOptions {
  experiment?: string;
  filter?: string;
  sort?: string;
  allVersions?: boolean;
  stream?: boolean;
  limit?: number;
}

interface FileOptions {
  experiment?: string;
  fileVersion?: number;
}

const PATH_HELP = 'as "dm file list" shows it, or absolute in storage';

/** `dm file list|show|why|update|delete`, and what its other files register. */
export function registerFile(program: Command, context: CliContext): void {
  const file = program.command('file').description('cataloged files, their metadata, and what became of each');
  registerLooks(file, context);
  registerUpdate(file, context);
  registerDelete(file, context);
  registerLedgerActions(file, context);
  registerFileTasks(file, context);
}

function registerLooks(file: Command, context: CliContext): void {
  file
    .command('list')
    .description('cataloged files, newest first')
    .argument('[key:value...]', 'only files with this metadata')
    .option('-e, --experiment <name>', 'the experiment (or DM_EXPERIMENT)')
    .option('--filter <json>', `a filter, such as '{"sizeBytes":{"$gt":1000000}}'`)
    .option('--sort <field>', 'such as path, sizeBytes or -storedAt')
    .option('--all-versions', 'older versions, too')
    .option('--limit <n>', 'show at most so many', parseCount)
    .option('--stream', 'every file, a JSON document a line, however many there are')
    .action((pairs: string[], options: ListOptions) => list(context, pairs, options));

  withFileOptions(file.command('show').description('all that the catalog knows of a file')).action(
    async (path: string, options: FileOptions) => {
      const client = await context.client();
      const found = await getFile(
        client,
        await fileName(context, client, path, options.experiment),
        options.fileVersion,
      );
      context.print(found, () => aboutFile(found));
    },
  );

  file
    .command('why')
    .description('where a file is and why: every version, its state, and what happened to it when')
    .argument('<path>', PATH_HELP)
    .option('-e, --experiment <name>', 'the experiment (or DM_EXPERIMENT)')
    .action(async (path: string, options: { experiment?: string }) => {
      const client = await context.client();
      const name = await fileName(context, client, path, options.experiment);
      const why = await client.get<WhyFile>(apiPath`/experiments/${name.experiment}/why`, { path: name.path });
      context.print(why, () => whyFileText(why));
    });
}

function registerUpdate(file: Command, context: CliContext): void {
  withFileOptions(file.command('update').description('change the metadata of a file'))
    .argument('[key:value...]', 'set these')
    .option('--unset <key>', 'remove a key; may be repeated', collect)
    .option('--set-json <json>', `set values that are no text, such as '{"energy":12.4}'`)
    .action((path: string, pairs: string[], options: FileOptions & { unset?: string[]; setJson?: string }) =>
      update(context, path, pairs, options),
    );
}

function registerDelete(file: Command, context: CliContext): void {
  withSelection(
    file
      .command('delete')
      .description(
        'with --pattern, --regex or --filter: move stored files to the trash, shown first, undone by "dm file task undo"; with a path: take that file out of the catalog only, its copy stays',
      )
      .argument('[path]', PATH_HELP),
  )
    .option('--file-version <n>', 'with a path: this version instead of the latest', parseCount)
    .option('--all-versions', 'older versions, too')
    .action((path: string | undefined, options: FileOptions & FileTaskOptions) =>
      path === undefined ? runFileTask(context, 'delete', options) : takeOutOfCatalog(context, path, options),
    );
}

function withFileOptions(command: Command): Command {
  return command
    .argument('<path>', PATH_HELP)
    .option('-e, --experiment <name>', 'the experiment (or DM_EXPERIMENT)')
    .option('--file-version <n>', 'this version instead of the latest', parseCount);
}

async function list(context: CliContext, pairs: readonly string[], options: ListOptions): Promise<void> {
  const experiment = context.experiment(options.experiment);
  const query = {
    filter: filterText(pairs, options.filter),
    sort: options.sort,
    versions: options.allVersions === true ? 'all' : 'latest',
  };
  const client = await context.client();
  const path = apiPath`/experiments/${experiment}/files`;
  if (options.stream === true) {
    await streamFiles(context, client, path, query);
    return;
  }
  const none = `No file of ${safeLine(experiment)} matches.`;
  await context.printList<FileAnswer>(client, path, { query, limit: options.limit, columns: FILE_COLUMNS, none });
}

/** The lines go through as they come, so that a million files need no memory; they are NDJSON with and without --json. */
async function streamFiles(
  context: CliContext,
  client: ApiClient,
  path: string,
  query: Record<string, string | undefined>,
): Promise<void> {
  const body = await client.open(path, { query, headers: { accept: 'application/x-ndjson' } });
  for await (const line of streamLines(body)) {
    if (!context.io.stdout.write(`${line}\n`)) {
      await new Promise((resolve) => context.io.stdout.once('drain', resolve));
    }
  }
}

/** `key:value` pairs are equalities on metadata; together with --filter all must hold. */
export function filterText(pairs: readonly string[], json: string | undefined): string | undefined {
  const conditions: Record<string, unknown>[] = Object.entries(parseKeyValues(pairs)).map(([key, value]) => ({
    [`metadata.${key}`]: value,
  }));
  if (json !== undefined) {
    conditions.push(parseJsonObject(json, 'filter'));
  }
  if (conditions.length === 0) {
    return undefined;
  }
  return JSON.stringify(conditions.length === 1 ? conditions[0] : { $and: conditions });
}

async function update(
  context: CliContext,
  path: string,
  pairs: readonly string[],
  options: FileOptions & { unset?: string[]; setJson?: string },
): Promise<void> {
  const metadata: Record<string, unknown> = {
    ...(options.setJson === undefined ? {} : parseJsonObject(options.setJson, 'metadata')),
    ...parseKeyValues(pairs),
    ...Object.fromEntries((options.unset ?? []).map((key) => [key, null])),
  };
  if (Object.keys(metadata).length === 0) {
    throw usageError('Nothing to change: give key:value pairs, --set-json or --unset KEY.');
  }
  const client = await context.client();
  const name = await fileName(context, client, path, options.experiment);
  const found = await getFile(client, name, options.fileVersion);
  const changed = await client.patch<FileAnswer>(filePath(name.experiment, found), { metadata });
  context.print(changed, () => aboutFile(changed));
}

async function takeOutOfCatalog(
  context: CliContext,
  path: string,
  options: FileOptions & FileTaskOptions,
): Promise<void> {
  if (options.pattern !== undefined || options.regex !== undefined || options.filter !== undefined) {
    throw usageError('Say either a path or --pattern, --regex and --filter.');
  }
  const client = await context.client();
  const name = await fileName(context, client, path, options.experiment);
  const found = await getFile(client, name, options.fileVersion);
  await context.confirm(`This takes version ${found.version} of ${found.path} with its metadata out of the catalog.`);
  await client.delete(filePath(name.experiment, found));
  context.print(
    { deleted: found.path, version: found.version },
    () => `${safeLine(found.path)} is out of the catalog.`,
  );
}

function filePath(experiment: string, file: FileAnswer): string {
  return apiPath`/experiments/${experiment}/files/${file.id}`;
}
