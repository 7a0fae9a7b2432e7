import type { Command } from 'commander';
import type { AlarmAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { formatTime } from '../format.js';
import { parseCount } from '../parse-options.js';
import type { Column } from '../table.js';

const COLUMNS: readonly Column<AlarmAnswer>[] = [
  { title: 'since', value: ({ raisedAt }) => formatTime(raisedAt) },
  { title: 'severity', value: ({ severity }) => severity },
  { title: 'times', value: ({ count }) => count, align: 'right' },
  { title: 'message', value: ({ message }) => message },
  { title: 'what to do', value: ({ action }) => action },
];

/** `dm alarm list`. */
export function registerAlarm(program: Command, context: CliContext): void {
  program
    .command('alarm')
    .description('what needs a person')
    .command('list')
    .description('open alarms, newest first')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async ({ limit }: { limit?: number }) => {
      await context.printList(await context.client(), '/alarms', {
        limit,
        columns: COLUMNS,
        none: 'No alarm is open.',
      });
    });
}
