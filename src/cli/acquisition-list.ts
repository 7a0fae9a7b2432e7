import type { Command } from 'commander';
import { ACQUISITION_COLUMNS } from './acquisition-view.js';
import type { CliContext } from './context.js';
import { parseCount, parseTime } from './parse-options.js';

export interface AcquisitionFilter {
  experiment?: string;
  status?: string;
  kind?: string;
  since?: string;
  until?: string;
  cleared?: boolean;
  limit?: number;
}

/** Options that `dm acquisition list` and `dm daq list` share. */
export function withAcquisitionFilter(command: Command): Command {
  return command
    .option('-e, --experiment <name>')
    .option('--status <status>', 'one or several, separated by commas; "active": all that are not over')
    .option('--since <time>', 'started from then on, such as 2026-11-21 or "2026-11-21 08:15"', parseTime)
    .option('--until <time>', 'started before', parseTime)
    .option('--cleared', 'those that were taken off the list, too')
    .option('--limit <n>', 'show at most so many', parseCount);
}

export async function listAcquisitions(
  context: CliContext,
  { limit, ...query }: AcquisitionFilter,
  none: string,
): Promise<void> {
  await context.printList(await context.client(), '/acquisitions', {
    query: { ...query },
    limit,
    columns: ACQUISITION_COLUMNS,
    none,
  });
}
