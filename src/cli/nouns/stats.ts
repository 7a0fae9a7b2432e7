import type { Command } from 'commander';
import { apiPath } from '../api-client.js';
import type { Statistics } from '../api-types.js';
import type { CliContext } from '../context.js';
import { statisticsText } from '../statistics-view.js';
import { filterText } from './file.js';

/** `dm stats`: how many files an experiment has and how large they are. */
export function registerStats(program: Command, context: CliContext): void {
  program
    .command('stats')
    .description('number and sizes of the files of an experiment')
    .argument('[key:value...]', 'only files with this metadata')
    .option('-e, --experiment <name>', 'the experiment (or DM_EXPERIMENT)')
    .option('--filter <json>', 'only files that match, as in "dm file list"')
    .action(async (pairs: string[], options: { experiment?: string; filter?: string }) => {
      const path = apiPath`/experiments/${context.experiment(options.experiment)}/stats`;
      const filter = filterText(pairs, options.filter);
      const statistics = await (await context.client()).get<Statistics>(path, { filter });
      context.print(statistics, () => statisticsText(statistics));
    });
}
