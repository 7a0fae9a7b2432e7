import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.js';
import { ApiError } from '../api-error.js';
import type { LoginAnswer, MeAnswer } from '../api-types.js';
import type { CliContext } from '../context.js';
import { CliExit, EXIT, usageError } from '../exit-codes.js';
import { formatTime } from '../format.js';
import { canAsk } from '../io.js';
import { ask, askHidden } from '../prompt.js';
import { safeLine } from '../safe-text.js';
import { facts } from '../table.js';

interface SecretOptions {
  passwordFile?: string;
  passwordStdin?: boolean;
}

/** `dm login`, `dm logout`, `dm whoami`, `dm password`. */
export function registerSession(program: Command, context: CliContext): void {
  program
    .command('login')
    .description('log in at a station and stay logged in until the session ends')
    .argument('[username]', 'asked for when it is left out')
    .option('--password-file <file>', 'read the password from the first line of a file')
    .option('--password-stdin', 'read the password from standard input')
    .action((username: string | undefined, options: SecretOptions) => login(context, username, options));

  program
    .command('logout')
    .description('end the session at the station and forget it here')
    .action(() => logout(context));

  program
    .command('whoami')
    .description('show who you are to the station')
    .action(async () => {
      const me = await (await context.client()).get<MeAnswer>('/auth/me');
      context.print(me, () => aboutMe(me, context.address));
    });

  program
    .command('password')
    .description('change your own password')
    .option('--current-file <file>', 'read the current password from the first line of a file')
    .option('--new-file <file>', 'read the new password from the first line of a file')
    .action((options: { currentFile?: string; newFile?: string }) => changePassword(context, options));
}

async function login(context: CliContext, given: string | undefined, options: SecretOptions): Promise<void> {
  const username = given ?? (await askName(context));
  const password = await secretOf(context, options, `Password of ${safeLine(username)} at ${context.address}: `);
  const client = new ApiClient({ address: context.address });
  const answer = await client.post<LoginAnswer>('/auth/login', { username, password });
  await context.sessions.save({
    address: context.address,
    username: answer.user.username,
    token: answer.token,
    expiresAt: answer.expiresAt,
  });
  const { user, expiresAt, passwordChangeRequired } = answer; // not the token: it is kept, not shown
  context.print(
    { user, expiresAt, passwordChangeRequired },
    () => `Logged in at ${context.address} as ${safeLine(user.username)} until ${formatTime(expiresAt)}.`,
  );
  if (passwordChangeRequired) {
    context.remark('This password was given to you; please choose your own: dm password');
  }
}

async function askName(context: CliContext): Promise<string> {
  if (!canAsk(context.io)) {
    throw usageError('Who logs in? Say "dm login USERNAME".');
  }
  return (await ask(context.io, `Username at ${context.address}: `)).trim();
}

async function logout(context: CliContext): Promise<void> {
  const session = await context.sessions.load(context.address);
  if (session !== undefined) {
    try {
      await new ApiClient({ address: context.address, token: session.token }).post('/auth/logout');
    } catch (error) {
      if (!(error instanceof ApiError) || error.kind !== 'unauthenticated') {
        throw error; // a session that the station has ended already is just what was wanted
      }
    } finally {
      await context.sessions.forget(context.address); // also when the station is away: the person wants it gone from here
    }
  }
  context.print({ loggedOut: session !== undefined }, () =>
    session === undefined ? `You were not logged in at ${context.address}.` : `Logged out at ${context.address}.`,
  );
}

async function changePassword(context: CliContext, files: { currentFile?: string; newFile?: string }): Promise<void> {
  const client = await context.client();
  const current = await secretOf(context, { passwordFile: files.currentFile }, 'Current password: ');
  const next = await secretOf(context, { passwordFile: files.newFile }, 'New password: ');
  if (files.newFile === undefined && (await askHidden(context.io, 'New password again: ')) !== next) {
    throw new CliExit(EXIT.invalid, 'PASSWORDS_DIFFER', 'The two new passwords differ; nothing was changed.');
  }
  await client.post('/auth/password', { currentPassword: current, newPassword: next });
  context.print({ changed: true }, () => 'Your password is changed.');
}

/** A password from a file, from standard input or from the keyboard; never from the command line, where `ps` shows it. */
export async function secretOf(
  context: CliContext,
  options: { passwordFile?: string | undefined; passwordStdin?: boolean | undefined },
  question: string,
): Promise<string> {
  if (options.passwordFile !== undefined) {
    return firstLine(await readFile(options.passwordFile, 'utf8'));
  }
  if (options.passwordStdin === true) {
    return firstLine(await readAll(context.io.stdin));
  }
  if (!canAsk(context.io)) {
    throw usageError(
      'Nobody is here to type a password; say --password-file FILE or --password-stdin, or set DM_TOKEN.',
    );
  }
  return askHidden(context.io, question);
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? '';
}

function aboutMe({ user, credential, roles, expiresAt }: MeAnswer, address: string): string {
  return facts([
    ['station', address],
    ['username', user.username],
    ['name', [user.firstName, user.lastName].filter(Boolean).join(' ')],
    ['email', user.email],
    ['roles', roles.join(', ')],
    [credential, `until ${formatTime(expiresAt)}`],
  ]);
}
