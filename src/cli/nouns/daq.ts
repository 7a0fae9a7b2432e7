import type { Command } from 'commander';
import { type AcquisitionFilter, listAcquisitions, withAcquisitionFilter } from '../acquisition-list.js';
import { type AcquisitionOptions, acquisitionRequest, withAcquisitionOptions } from '../acquisition-request.js';
import { remarkOnPreflight } from '../acquisition-view.js';
import type { ApiClient } from '../api-client.js';
import type { AcquisitionAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { CliExit, EXIT, usageError } from '../exit-codes.js';
import { directoryText } from '../local-directory.js';
import { parseDuration } from '../parse-options.js';
import { safeLine } from '../safe-text.js';
import { stopAcquisition, WAIT_FOR_STOP_HELP } from '../stop-acquisition.js';
import { showAcquisition } from './acquisition.js';

interface StopOptions {
  experiment?: string;
  directory?: string;
  wait?: boolean;
}

/** `dm daq start|stop|list|show`: monitors, which keep watching a directory. */
export function registerDaq(program: Command, context: CliContext): void {
  const daq = program.command('daq').description('watch a directory and bring to storage what appears there');

  withAcquisitionOptions(daq.command('start').description('start to watch'))
    .option('--process-existing', 'take what lies there already, too')
    .option('--duration <duration>', 'stop by itself after so long, such as 12h or 1d', parseDuration)
    .option('--upload-data-directory-on-exit <directory>', 'bring this directory home when the monitor ends')
    .option(
      '--upload-dest-directory-on-exit <path>',
      'where that goes, below the data directory (with --analysis: the analysis directory)',
    )
    .action(async (directory: string, pairs: string[], options: AcquisitionOptions) => {
      const request = acquisitionRequest(context, 'monitor', directory, pairs, options);
      const started = await (await context.client()).post<AcquisitionAnswer>('/acquisitions', request);
      remarkOnPreflight(context, started);
      context.print(
        started,
        () => `DAQ ${started.id} is ${safeLine(started.status)}: ${safeLine(started.dataDirectory)}`,
      );
    });

  daq
    .command('stop')
    .description('stop watching; what was found is still brought home')
    .argument('[id]', 'or say --experiment and --directory')
    .option('-e, --experiment <name>')
    .option('--directory <directory>', 'the directory that it watches')
    .option('--wait', WAIT_FOR_STOP_HELP)
    .action(async (id: string | undefined, options: StopOptions) => {
      const client = await context.client();
      const chosen = id ?? (await findRunning(context, client, options)).id;
      await stopAcquisition(context, client, { id: chosen, name: 'DAQ', isAwaited: options.wait === true });
    });

  withAcquisitionFilter(daq.command('list').description('monitors, newest first')).action((filter: AcquisitionFilter) =>
    listAcquisitions(context, { ...filter, kind: 'monitor' }, 'No monitor matches.'),
  );

  daq
    .command('show')
    .description('one monitor: its state, counts and warnings')
    .argument('<id>')
    .action((id: string) => showAcquisition(context, id));
}

/** The one running monitor of an experiment on a directory, as the existing commands name it. */
async function findRunning(context: CliContext, client: ApiClient, options: StopOptions): Promise<AcquisitionAnswer> {
  if (options.directory === undefined) {
    throw usageError('Which one? Say its id, or --experiment NAME --directory DIRECTORY; "dm daq list" shows them.');
  }
  const experiment = context.experiment(options.experiment);
  const directory = directoryText(options.directory, context.io.workingDirectory);
  const running: AcquisitionAnswer[] = [];
  for await (const monitor of client.items<AcquisitionAnswer>('/acquisitions', {
    kind: 'monitor',
    experiment,
    status: 'active',
  })) {
    if (monitor.dataDirectory === directory) {
      running.push(monitor);
    }
  }
  const [only, ...others] = running;
  if (only === undefined) {
    throw new CliExit(EXIT.notFound, 'DAQ_NOT_FOUND', `No monitor of ${experiment} is watching ${directory}.`);
  }
  if (others.length > 0) {
    const ids = running.map(({ id }) => id).join(', ');
    throw new CliExit(EXIT.conflict, 'DAQ_AMBIGUOUS', `Several monitors watch it: say which one by its id (${ids}).`);
  }
  return only;
}
