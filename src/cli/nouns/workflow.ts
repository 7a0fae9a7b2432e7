import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { type ApiClient, apiPath } from '../api-client.js';
import type { WorkflowAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { CliExit, EXIT } from '../exit-codes.js';
import { plural } from '../format.js';
import { parseCount, parseJsonObject, parseWorkflowRef } from '../parse-options.js';
import { safeBlock, safeLine } from '../safe-text.js';
import { type Column, facts } from '../table.js';

const COLUMNS: readonly Column<WorkflowAnswer>[] = [
  { title: 'workflow', value: ({ owner, name }) => `${owner}/${name}` },
  { title: 'stages', value: ({ stages }) => Object.keys(stages).length, align: 'right' },
  { title: 'version', value: ({ version }) => version },
  { title: 'description', value: ({ description }) => description },
];

/** `dm workflow add|list|show|delete`. */
export function registerWorkflow(program: Command, context: CliContext): void {
  const workflow = program.command('workflow').description('what the station can run on files');

  workflow
    .command('add')
    .description('define a workflow (needs the role manager)')
    .argument('<file>', 'its definition in JSON; - reads standard input')
    .option('--replace', 'put it in the place of the one with its owner and name, if there is one')
    .action((file: string, { replace }: { replace?: boolean }) => add(context, file, replace === true));

  workflow
    .command('list')
    .description('the workflows of this station')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async ({ limit }: { limit?: number }) => {
      const none = 'No workflow is defined yet: "dm workflow add FILE".';
      await context.printList(await context.client(), '/workflows', { limit, columns: COLUMNS, none });
    });

  workflow
    .command('show')
    .description('one workflow with its stages')
    .argument('<owner/name>')
    .action(async (reference: string) => {
      const { owner, name } = parseWorkflowRef(reference);
      const answer = await (await context.client()).get<WorkflowAnswer>(apiPath`/workflows/${owner}/${name}`);
      context.print(answer, () => about(answer));
    });

  workflow
    .command('delete')
    .description('delete a workflow; its past jobs stay')
    .argument('<owner/name>')
    .action(async (reference: string) => {
      const { owner, name } = parseWorkflowRef(reference);
      const client = await context.client();
      const found = await client.get<WorkflowAnswer>(apiPath`/workflows/${owner}/${name}`);
      const stages = plural(Object.keys(found.stages).length, 'stage');
      await context.confirm(`This deletes the workflow ${owner}/${name} with its ${stages}.`);
      await client.delete(apiPath`/workflows/${owner}/${name}`);
      context.print({ deleted: { owner, name } }, () => `Deleted ${safeLine(reference)}.`);
    });
}

async function add(context: CliContext, file: string, isReplacing: boolean): Promise<void> {
  const definition = parseJsonObject(await readDefinition(context, file), 'workflow definition');
  const client = await context.client();
  const answer = isReplacing
    ? await replace(client, definition)
    : await client.post<WorkflowAnswer>('/workflows', definition);
  const stages = plural(Object.keys(answer.stages).length, 'stage');
  context.print(answer, () => `Defined ${safeLine(answer.owner)}/${safeLine(answer.name)} with ${stages}.`);
}

/** Creates it where it is not there yet, so that a beamline's set-up script can run twice. */
async function replace(client: ApiClient, definition: Record<string, unknown>): Promise<WorkflowAnswer> {
  const { name, owner } = definition;
  if (typeof name !== 'string' || typeof owner !== 'string') {
    throw new CliExit(
      EXIT.invalid,
      'WORKFLOW_UNNAMED',
      'To be replaced, the definition must say its "owner" and "name".',
    );
  }
  return client.put<WorkflowAnswer>(apiPath`/workflows/${owner}/${name}`, definition);
}

async function readDefinition(context: CliContext, file: string): Promise<string> {
  if (file === '-') {
    return readAll(context.io.stdin);
  }
  try {
    return await readFile(resolve(context.io.workingDirectory, file), 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliExit(EXIT.usage, 'FILE_UNREADABLE', `The definition cannot be read: ${reason}`);
  }
}

function about(workflow: WorkflowAnswer): string {
  const head = facts([
    ['workflow', `${workflow.owner}/${workflow.name}`],
    ['version', workflow.version],
    ['description', workflow.description],
  ]);
  const stages = Object.entries(workflow.stages).map(([key, stage]) => {
    const patterns = (stage.outputVariableRegexList ?? []).map((pattern) => `\n    gives ${safeLine(pattern)}`);
    return `${safeLine(key)}\n    ${safeBlock(stage.command).replaceAll('\n', '\n    ')}${patterns.join('')}`;
  });
  return [head, ...stages].join('\n\n');
}
