import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { driverCode } from '../kernel/errors.js';

const sessionSchema = z.object({
  address: z.string(),
  username: z.string(),
  token: z.string().min(1),
  expiresAt: z.string(),
});

/** A login that this account keeps for one station. */
export type StoredSession = z.infer<typeof sessionSchema>;

/** Where the CLI keeps what it knows: `$XDG_CONFIG_HOME/dm`, else `~/.config/dm`. */
export function configDirectory(environment: Record<string, string | undefined>): string {
  const base = environment['XDG_CONFIG_HOME'];
  return join(base !== undefined && base.startsWith('/') ? base : join(homedir(), '.config'), 'dm');
}

/**
 * Sessions on disk, one file per station, so that logins at two beamlines do not meet. Only the account itself may read
 * them (0600 in a 0700 directory), and a file is replaced as a whole, so that two commands at once cannot tear it.
 */
export class SessionStore {
  private readonly directory: string;

  constructor(configDirectory: string) {
    this.directory = join(configDirectory, 'sessions');
  }

  /** The session for this station, unless there is none, it has expired, or its file is damaged. */
  async load(address: string, now: Date = new Date()): Promise<StoredSession | undefined> {
    let text: string;
    try {
      text = await readFile(this.fileOf(address), 'utf8');
    } catch (error) {
      if (driverCode(error) === 'ENOENT') {
        return undefined;
      }
      throw error;
    }
    const session = parseSession(text);
    return session !== undefined && Date.parse(session.expiresAt) > now.getTime() ? session : undefined;
  }

  async save(session: StoredSession): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const path = this.fileOf(session.address);
    const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
    await writeFile(temporary, `${JSON.stringify(session, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await rename(temporary, path);
  }

  async forget(address: string): Promise<void> {
    await rm(this.fileOf(address), { force: true });
  }

  private fileOf(address: string): string {
    return join(this.directory, `${encodeURIComponent(address)}.json`);
  }
}

function parseSession(text: string): StoredSession | undefined {
  try {
    return sessionSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
