import type { Command } from 'commander';
import type { CliContext } from '../context.js';
import { parseCount } from '../parse-options.js';
import { safeLine } from '../safe-text.js';
import type { Column } from '../table.js';

interface ExperimentTypeAnswer {
  name: string;
  description: string;
}

const COLUMNS: readonly Column<ExperimentTypeAnswer>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'description', value: ({ description }) => description },
];

/** `dm experiment type list|create`. */
export function registerExperimentTypes(experiment: Command, context: CliContext): void {
  const type = experiment.command('type').description('kinds of experiments that this station knows');

  type
    .command('list')
    .description('all types')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async ({ limit }: { limit?: number }) => {
      const none = 'No experiment type is defined yet.';
      await context.printList(await context.client(), '/experiment-types', { limit, columns: COLUMNS, none });
    });

  type
    .command('create')
    .description('add a type')
    .argument('<name>')
    .option('--description <text>')
    .action(async (name: string, { description }: { description?: string }) => {
      const client = await context.client();
      const answer = await client.post<ExperimentTypeAnswer>('/experiment-types', { name, description });
      context.print(answer, () => `Added the type ${safeLine(answer.name)}.`);
    });
}
