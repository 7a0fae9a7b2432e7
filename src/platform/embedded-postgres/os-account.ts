import { StationError } from '../../kernel/errors.js';
import { type OsAccount, run } from './processes.js';

const OWN_ACCOUNT = 'dm-station';

/**
 * The account for the server, `undefined` for "the one we are". PostgreSQL refuses to run as root, so a station that
 * runs as root uses `wanted`, else an existing `dm-station`, else creates it, else `postgres`, else `nobody`.
 */
export async function chooseAccount(wanted?: string): Promise<OsAccount | undefined> {
  if (process.getuid?.() !== 0) {
    return undefined;
  }
  if (wanted !== undefined) {
    return wantedAccount(wanted);
  }
  const account =
    (await lookUp(OWN_ACCOUNT)) ?? (await createOwnAccount()) ?? (await lookUp('postgres')) ?? (await lookUp('nobody'));
  if (account === undefined) {
    throw new StationError(
      'unavailable',
      'POSTGRES_ACCOUNT_MISSING',
      'PostgreSQL does not run as root, and no account was found to run it as. Create one (useradd --system dm-station) or name one in DM_POSTGRES_OS_USER.',
    );
  }
  return account;
}

/** An account by name or number; `undefined` when there is none or when it is root, which the server refuses. */
export async function lookUp(nameOrUid: string | number): Promise<OsAccount | undefined> {
  const key = String(nameOrUid);
  // `id` asks every source of accounts (LDAP too), also where `getent` does not exist.
  const [uid, gid, name] = await Promise.all([run('id', ['-u', key]), run('id', ['-g', key]), run('id', ['-un', key])]);
  if (uid.code !== 0 || gid.code !== 0) {
    return undefined;
  }
  const account = { name: name.code === 0 ? name.output : key, uid: Number(uid.output), gid: Number(gid.output) };
  return account.uid === 0 ? undefined : account;
}

async function wantedAccount(wanted: string): Promise<OsAccount> {
  const account = await lookUp(wanted);
  if (account === undefined) {
    throw new StationError(
      'invalid',
      'POSTGRES_ACCOUNT_UNKNOWN',
      `DM_POSTGRES_OS_USER names "${wanted}", which is not an account of this machine that PostgreSQL may run as (root may not).`,
    );
  }
  return account;
}

async function createOwnAccount(): Promise<OsAccount | undefined> {
  await run('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--home-dir',
    '/nonexistent',
    '--shell',
    '/usr/sbin/nologin',
    OWN_ACCOUNT,
  ]);
  // Where it failed because another starter was faster, the account is there all the same.
  return lookUp(OWN_ACCOUNT);
}
