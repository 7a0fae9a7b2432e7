import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configDirectory, SessionStore } from './session-store.js';

const session = {
  address: 'http://beamline:22236',
  username: 'ruth',
  token: 'secret',
  expiresAt: '2026-11-21T20:00:00.000Z',
};
const before = new Date('2026-11-21T10:00:00Z');

describe(SessionStore, () => {
  let directory: string;
  let store: SessionStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dm-sessions-'));
    store = new SessionStore(join(directory, 'dm'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const onlyFile = async () => {
    const [name, ...others] = await readdir(join(directory, 'dm', 'sessions'));
    expect(others).toEqual([]);
    return join(directory, 'dm', 'sessions', name ?? '');
  };

  it('keeps a session so that only its owner can read it', async () => {
    await store.save(session);
    expect(await store.load(session.address, before)).toEqual(session);
    expect((await stat(await onlyFile())).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'dm', 'sessions'))).mode & 0o777).toBe(0o700);
  });

  it('closes a file again that somebody has opened to others', async () => {
    await store.save(session);
    await chmod(await onlyFile(), 0o644);
    await store.save({ ...session, token: 'other' });
    expect((await stat(await onlyFile())).mode & 0o777).toBe(0o600);
  });

  it('keeps the sessions of two stations apart', async () => {
    await store.save(session);
    await store.save({ ...session, address: 'http://other:22236', username: 'ben' });
    expect((await store.load(session.address, before))?.username).toBe('ruth');
    await store.forget('http://other:22236');
    expect(await store.load('http://other:22236', before)).toBeUndefined();
    expect((await store.load(session.address, before))?.username).toBe('ruth');
  });

  it('does not offer a session that has expired', async () => {
    await store.save(session);
    expect(await store.load(session.address, new Date('2026-11-21T20:00:01Z'))).toBeUndefined();
  });

  it('takes a damaged file for no session', async () => {
    await store.save(session);
    await writeFile(await onlyFile(), '{"address"');
    expect(await store.load(session.address, before)).toBeUndefined();
  });
});

describe(configDirectory, () => {
  it('follows XDG_CONFIG_HOME where that is absolute, as its specification asks', () => {
    expect(configDirectory({ XDG_CONFIG_HOME: '/etc/me' })).toBe('/etc/me/dm');
    expect(configDirectory({ XDG_CONFIG_HOME: 'relative' })).toBe(join(homedir(), '.config', 'dm'));
    expect(configDirectory({})).toBe(join(homedir(), '.config', 'dm'));
  });
});
