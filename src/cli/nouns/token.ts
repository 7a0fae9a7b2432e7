import type { Command } from 'commander';
import { apiPath } from '../api-client.js';
import type { TokenAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { formatTime } from '../format.js';
import { parseCount, parseList } from '../parse-options.js';
import type { Column } from '../table.js';

const COLUMNS: readonly Column<TokenAnswer>[] = [
  { title: 'id', value: (token) => token.id, align: 'right' },
  { title: 'name', value: (token) => token.name },
  { title: 'roles', value: (token) => token.roles?.join(', ') ?? 'all of yours' },
  { title: 'expires', value: (token) => formatTime(token.expiresAt) },
  { title: 'last used', value: (token) => formatTime(token.lastUsedAt) || 'never' },
];

/** `dm token list|create|revoke`: what machines log in with. */
export function registerToken(program: Command, context: CliContext): void {
  const token = program.command('token').description('your API tokens, for scripts and control systems (DM_TOKEN)');

  token
    .command('list')
    .description('your tokens, without their secrets')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async ({ limit }: { limit?: number }) => {
      await context.printList(await context.client(), '/tokens', {
        limit,
        columns: COLUMNS,
        none: 'You have no tokens.',
      });
    });

  token
    .command('create')
    .description('create a token; its text is shown this once, alone on standard output')
    .argument('<name>', 'what it is for, such as "bluesky at 99ID"')
    .option('--expires-in-days <n>', 'days until it stops working', parseCount)
    .option('--roles <list>', 'restrict it to these roles of yours, separated by commas', parseList)
    .action(async (name: string, { expiresInDays, roles }: { expiresInDays?: number; roles?: string[] }) => {
      const client = await context.client();
      const answer = await client.post<TokenAnswer & { token: string }>('/tokens', { name, expiresInDays, roles });
      context.remark(`Token ${answer.id}, until ${formatTime(answer.expiresAt)}; keep it now, it is not shown again:`);
      context.print(answer, () => answer.token);
    });

  token
    .command('revoke')
    .description('make a token useless at once')
    .argument('<id>', 'as "dm token list" shows it')
    .action(async (id: string) => {
      await (await context.client()).delete(apiPath`/tokens/${id}`);
      context.print({ revoked: id }, () => `Revoked token ${id}.`);
    });
}
