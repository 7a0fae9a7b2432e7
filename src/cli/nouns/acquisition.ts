import type { Command } from 'commander';
import { type AcquisitionFilter, listAcquisitions, withAcquisitionFilter } from '../acquisition-list.js';
import { aboutAcquisition, countsSentence, LEDGER_COLUMNS } from '../acquisition-view.js';
import { apiPath } from '../api-client.js';
import type { AcquisitionAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { parseCount } from '../parse-options.js';
import { safeLine } from '../safe-text.js';
import { stopAcquisition, WAIT_FOR_STOP_HELP } from '../stop-acquisition.js';

/** `dm acquisition list|show|files|stop|resume|retry|clear-ended|clear`: uploads and monitors alike. */
export function registerAcquisition(program: Command, context: CliContext): void {
  const acquisition = program.command('acquisition').description('uploads and monitors, running and past');
  registerLooks(acquisition, context);
  registerControl(acquisition, context);
  registerClearing(acquisition, context);
}

function registerLooks(acquisition: Command, context: CliContext): void {
  withAcquisitionFilter(acquisition.command('list').description('newest first'))
    .option('--kind <kind>', 'upload or monitor')
    .action((filter: AcquisitionFilter) => listAcquisitions(context, filter, 'No acquisition matches.'));

  acquisition
    .command('show')
    .description('its state, counts and warnings')
    .argument('<id>')
    .action((id: string) => showAcquisition(context, id));

  acquisition
    .command('files')
    .description('the files it has found and where each stands')
    .argument('<id>')
    .option('--state <state>', 'such as settling, failed, quarantined or done')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async (id: string, { state, limit }: { state?: string; limit?: number }) => {
      await context.printList(await context.client(), apiPath`/acquisitions/${id}/files`, {
        query: { state },
        limit,
        columns: LEDGER_COLUMNS,
        none: 'No file matches.',
      });
    });
}

function registerControl(acquisition: Command, context: CliContext): void {
  acquisition
    .command('stop')
    .description('stop it; what is being copied is finished')
    .argument('<id>')
    .option('--wait', WAIT_FOR_STOP_HELP)
    .action(async (id: string, { wait }: { wait?: boolean }) => {
      await stopAcquisition(context, await context.client(), { id, name: 'Acquisition', isAwaited: wait === true });
    });

  acquisition
    .command('resume')
    .description('start again what an ended one left')
    .argument('<id>')
    .action(async (id: string) => {
      const started = await (await context.client()).post<AcquisitionAnswer>(apiPath`/acquisitions/${id}/resume`);
      context.print(started, () => `${safeLine(started.kind)} ${started.id} takes up what ${safeLine(id)} left.`);
    });

  acquisition
    .command('retry')
    .description('try failed files again at once; with --quarantined those in quarantine, too')
    .argument('<id>')
    .option('--quarantined', 'release its files from quarantine')
    .action(async (id: string, { quarantined }: { quarantined?: boolean }) => {
      const client = await context.client();
      const { experiment } = await client.get<AcquisitionAnswer>(apiPath`/acquisitions/${id}`);
      const answer = await client.post<{ changed: number }>(apiPath`/experiments/${experiment}/ledger/actions`, {
        action: quarantined === true ? 'release' : 'retry',
        acquisitionId: id,
      });
      context.print(answer, () => `${answer.changed} files are tried again.`);
    });
}

function registerClearing(acquisition: Command, context: CliContext): void {
  acquisition
    .command('clear-ended')
    .description('take ended acquisitions off the list; where files came from stays known')
    .option('-e, --experiment <name>')
    .action(async (options: { experiment?: string }) => {
      const experiment = context.experiment(options.experiment);
      await context.confirm(`This takes all ended acquisitions of ${experiment} off the list.`);
      const answer = await (await context.client()).post<{ cleared: number }>('/acquisitions/clear', { experiment });
      context.print(answer, () => `${answer.cleared} are off the list.`);
    });

  acquisition
    .command('clear')
    .description('take an ended acquisition that brought no files off the list')
    .argument('<id>')
    .action(async (id: string) => {
      const client = await context.client();
      const found = await client.get<AcquisitionAnswer>(apiPath`/acquisitions/${id}`);
      await context.confirm(
        `This takes the ${found.kind} of ${found.dataDirectory} (${countsSentence(found.counts)}) off the list.`,
      );
      await client.delete(apiPath`/acquisitions/${id}`);
      context.print({ cleared: id }, () => `Acquisition ${safeLine(id)} is off the list.`);
    });
}

export async function showAcquisition(context: CliContext, id: string): Promise<void> {
  const answer = await (await context.client()).get<AcquisitionAnswer>(apiPath`/acquisitions/${id}`);
  context.print(answer, () => aboutAcquisition(answer));
}
