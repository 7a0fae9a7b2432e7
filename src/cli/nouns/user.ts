import type { Command } from 'commander';
import { apiPath } from '../api-client.js';
import type { UserAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { formatTime } from '../format.js';
import { parseCount } from '../parse-options.js';
import { safeLine } from '../safe-text.js';
import { type Column, facts } from '../table.js';
import { secretOf } from './session.js';

const COLUMNS: readonly Column<UserAnswer>[] = [
  { title: 'username', value: (user) => user.username },
  { title: 'name', value: fullName },
  { title: 'email', value: (user) => user.email },
  { title: 'roles', value: (user) => user.roles.join(', ') },
  { title: 'disabled', value: (user) => (user.disabled ? 'yes' : '') },
];

interface UserOptions {
  firstName?: string;
  lastName?: string;
  email?: string;
  password?: boolean;
  passwordFile?: string;
  passwordStdin?: boolean;
}

/** `dm user list|add|show|update|delete|role add|role remove`. */
export function registerUser(program: Command, context: CliContext): void {
  const user = program.command('user').description('accounts at the station');

  user
    .command('list')
    .description('all accounts')
    .option('--limit <n>', 'show at most so many', parseCount)
    .action(async ({ limit }: { limit?: number }) => {
      await context.printList(await context.client(), '/users', { limit, columns: COLUMNS, none: 'No accounts.' });
    });

  user
    .command('show')
    .description('one account')
    .argument('<username>')
    .action(async (username: string) => {
      const answer = await (await context.client()).get<UserAnswer>(apiPath`/users/${username}`);
      context.print(answer, () => about(answer));
    });

  withPersonOptions(user.command('add').description('create an account').argument('<username>'))
    .option('--no-password', 'an account that nobody can log in as')
    .action(async (username: string, options: UserOptions) => {
      const client = await context.client();
      const password =
        options.password === false ? {} : { password: await secretOf(context, options, 'Password for the account: ') };
      const answer = await client.post<UserAnswer>('/users', { username, ...person(options), ...password });
      context.print(answer, () => `Created the account ${safeLine(answer.username)}.`);
    });

  withPersonOptions(user.command('update').description('change an account').argument('<username>'))
    .option('--enable', 'let the account log in again')
    .option('--disable', 'end its sessions and let it log in no more')
    .action(async (username: string, options: UserOptions & { enable?: boolean; disable?: boolean }) => {
      const isPasswordGiven = options.passwordFile !== undefined || options.passwordStdin === true;
      const answer = await (
        await context.client()
      ).patch<UserAnswer>(apiPath`/users/${username}`, {
        ...person(options),
        ...(isPasswordGiven ? { password: await secretOf(context, options, '') } : {}),
        ...(options.enable === true ? { disabled: false } : options.disable === true ? { disabled: true } : {}),
      });
      context.print(answer, () => `Changed the account ${safeLine(answer.username)}.`);
    });

  user
    .command('delete')
    .description('delete an account with its sessions, tokens and memberships')
    .argument('<username>')
    .action(async (username: string) => {
      const client = await context.client();
      const found = await client.get<UserAnswer>(apiPath`/users/${username}`);
      await context.confirm(`This deletes the account ${found.username} (${fullName(found) || 'no name given'}).`);
      await client.delete(apiPath`/users/${username}`);
      context.print({ deleted: found.username }, () => `Deleted the account ${safeLine(found.username)}.`);
    });

  registerRoles(user, context);
}

function registerRoles(user: Command, context: CliContext): void {
  const role = user.command('role').description('roles of an account: administrator, manager, operator');
  role
    .command('add')
    .description('grant a role')
    .argument('<username>')
    .argument('<role>')
    .action(async (username: string, name: string) => {
      const answer = await (await context.client()).put<UserAnswer>(apiPath`/users/${username}/roles/${name}`);
      context.print(answer, () => rolesSentence(answer));
    });
  role
    .command('remove')
    .description('take a role away')
    .argument('<username>')
    .argument('<role>')
    .action(async (username: string, name: string) => {
      const answer = await (await context.client()).delete<UserAnswer>(apiPath`/users/${username}/roles/${name}`);
      context.print(answer, () => rolesSentence(answer));
    });
}

function withPersonOptions(command: Command): Command {
  return command
    .option('--first-name <name>')
    .option('--last-name <name>')
    .option('--email <address>')
    .option('--password-file <file>', 'read the password from the first line of a file')
    .option('--password-stdin', 'read the password from standard input');
}

function person({ firstName, lastName, email }: UserOptions): Partial<UserOptions> {
  return {
    ...(firstName === undefined ? {} : { firstName }),
    ...(lastName === undefined ? {} : { lastName }),
    ...(email === undefined ? {} : { email }),
  };
}

function fullName(user: UserAnswer): string {
  return [user.firstName, user.lastName].filter(Boolean).join(' ');
}

function rolesSentence(user: UserAnswer): string {
  return `Roles of ${safeLine(user.username)}: ${user.roles.join(', ') || 'none'}.`;
}

function about(user: UserAnswer): string {
  return facts([
    ['username', user.username],
    ['name', fullName(user)],
    ['email', user.email],
    ['roles', user.roles.join(', ')],
    ['disabled', user.disabled ? 'yes' : ''],
    ['since', formatTime(user.createdAt)],
  ]);
}
