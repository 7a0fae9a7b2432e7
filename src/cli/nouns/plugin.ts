import type { Command } from 'commander';
import type { PluginAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { formatTime } from '../format.js';
import { parseCount } from '../parse-options.js';
import type { Column } from '../table.js';

const COLUMNS: readonly Column<PluginAnswer>[] = [
  { title: 'order', value: ({ order }) => order, align: 'right' },
  { title: 'plug-in', value: ({ name, origin }) => (origin === 'beamline' ? `${name} (own)` : name) },
  { title: 'state', value: stateOf },
  { title: 'on error', value: ({ onError }) => onError },
  { title: 'limit', value: ({ timeoutSeconds }) => (timeoutSeconds === null ? null : `${timeoutSeconds} s`) },
  { title: 'calls', value: ({ calls }) => calls, align: 'right' },
  { title: 'passed', value: ({ passed }) => passed, align: 'right' },
  { title: 'warned', value: ({ warned }) => warned, align: 'right' },
  { title: 'failed', value: ({ failed }) => failed, align: 'right' },
  {
    title: 'last error',
    value: ({ lastError }) =>
      lastError === null
        ? null
        : [formatTime(lastError.at), lastError.path, lastError.message].filter((part) => part !== null).join(' '),
  },
];

/** `dm plugin list`. */
export function registerPlugin(program: Command, context: CliContext): void {
  program
    .command('plugin')
    .description('the steps that every file passes')
    .command('list')
    .description('plug-ins in their order, and what they did since the station started')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async ({ limit }: { limit?: number }) => {
      const none = 'There is no plug-in.';
      await context.printList(await context.client(), '/plugins', { limit, columns: COLUMNS, none });
    });
}

function stateOf({ enabled, restsUntil }: PluginAnswer): string {
  if (!enabled) {
    return 'off';
  }
  return restsUntil === null ? 'on' : `rests until ${formatTime(restsUntil)}`;
}
