import type { Command } from 'commander';
import { apiPath } from '../api-client.js';
import type { DestinationAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { formatBytes, plural } from '../format.js';
import type { Column } from '../table.js';

const COLUMNS: readonly Column<DestinationAnswer>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'kind', value: ({ kind }) => kind },
  { title: 'where', value: ({ address }) => address },
  { title: 'status', value: ({ status }) => status },
  { title: 'waiting', value: ({ copies }) => copies.waitingFiles + copies.failedFiles, align: 'right' },
  { title: 'bytes', value: ({ copies }) => formatBytes(copies.waitingBytes), align: 'right' },
  { title: 'quarantined', value: ({ copies }) => copies.quarantinedFiles, align: 'right' },
  { title: 'message', value: ({ message }) => message ?? '' },
];

/** `dm destination list|retry`. */
export function registerDestination(program: Command, context: CliContext): void {
  const destination = program
    .command('destination')
    .description('places that files are copied to beside the storage area');
  destination
    .command('list')
    .description('each with what waits for it')
    .action(async () => {
      await context.printList(await context.client(), '/destinations', {
        limit: undefined,
        columns: COLUMNS,
        none: 'No destination is configured beside the storage area (storage.destinations).',
      });
    });
  destination
    .command('retry')
    .description('try the copies again that are in quarantine for it')
    .argument('<name>', 'the destination')
    .action(async (name: string) => {
      const answer = await (await context.client()).post<{ retried: number }>(apiPath`/destinations/${name}/retry`);
      context.print(answer, () => `${plural(answer.retried, 'file')} will be copied again.`);
    });
}
