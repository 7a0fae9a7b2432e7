import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedCli } from '../../test/support/scripted-cli.js';
import { page, problem, type ScriptedStation } from '../../test/support/scripted-station.js';
import { EXIT } from './exit-codes.js';
import { runCli } from './program.js';
import { SessionStore } from './session-store.js';

const user = {
  username: 'ruth',
  firstName: 'Ruth',
  lastName: 'Ray',
  email: null,
  roles: ['operator'],
  disabled: false,
};

describe(runCli, () => {
  let cli: ScriptedCli;
  let station: ScriptedStation;
  const dm: ScriptedCli['run'] = (...given) => cli.run(...given);

  beforeEach(async () => {
    cli = await ScriptedCli.start();
    ({ station } = cli);
  });
  afterEach(() => cli.stop());

  describe('login', () => {
    const answer = { token: 'dms_1', expiresAt: '2999-01-01T00:00:00Z', user, passwordChangeRequired: true };

    it('keeps the session, which the next command uses', async () => {
      station.on('POST /api/v1/auth/login', { body: answer });
      station.on('GET /api/v1/experiments', page());
      await writeFile(join(cli.directory, 'pw'), 'seven wet horses\n');
      const noToken = { environment: { DM_TOKEN: '' } };

      const login = await dm(['login', 'ruth', '--password-file', join(cli.directory, 'pw')], noToken);
      expect(login).toMatchObject({ exitCode: EXIT.ok, stderr: expect.stringContaining('dm password') as string });
      expect(login.stdout).not.toContain('dms_1');
      expect(station.seen('POST /api/v1/auth/login').body).toEqual({ username: 'ruth', password: 'seven wet horses' });

      await dm(['experiment', 'list'], noToken);
      expect(station.seen('GET /api/v1/experiments').authorization).toBe('Bearer dms_1');
    });

    it('reads a password from standard input', async () => {
      station.on('POST /api/v1/auth/login', { body: answer });
      await dm(['login', 'ruth', '--password-stdin'], { stdin: 'piped secret\n' });
      expect(station.seen('POST /api/v1/auth/login').body).toMatchObject({ password: 'piped secret' });
    });

    it('does not ask where nobody can answer', async () => {
      const { exitCode, stderr } = await dm(['login', 'ruth']);
      expect(exitCode).toBe(EXIT.usage);
      expect(stderr).toContain('--password-file');
    });

    it('is asked for when there is none', async () => {
      const { exitCode, stderr } = await dm(['experiment', 'list'], { environment: { DM_TOKEN: '' } });
      expect(exitCode).toBe(EXIT.unauthenticated);
      expect(stderr).toContain('dm login');
    });
  });

  it('forgets a session at logout even when the station has ended it already', async () => {
    const sessions = new SessionStore(join(cli.directory, 'dm'));
    const session = { address: station.address, username: 'ruth', token: 'old', expiresAt: '2999-01-01T00:00:00Z' };
    await sessions.save(session);
    station.on('POST /api/v1/auth/logout', problem(401, 'SESSION_ENDED', 'Log in again.'));
    expect((await dm(['logout'])).exitCode).toBe(EXIT.ok);
    expect(await sessions.load(station.address)).toBeUndefined();
  });

  describe('output', () => {
    const experiment = {
      name: 'e1',
      type: 'TEST',
      description: '\x1b[2J',
      startDate: null,
      endDate: null,
      createdAt: '',
    };

    it('is a table for people', async () => {
      station.on('GET /api/v1/experiments', page(experiment));
      const { stdout } = await dm(['experiment', 'list']);
      expect(stdout).toContain('NAME');
      expect(stdout).toContain('\\x1b[2J');
    });

    it('is one JSON document for machines, wherever --json stands', async () => {
      station.on('GET /api/v1/experiments', page(experiment));
      for (const argv of [
        ['--json', 'experiment', 'list'],
        ['experiment', 'list', '--json'],
      ]) {
        expect(JSON.parse((await dm(argv)).stdout)).toEqual({ items: [experiment], hasMore: false });
      }
    });

    it('says on stderr when a list is longer than what it shows', async () => {
      station.on('GET /api/v1/experiments', page(experiment, experiment, experiment));
      const { stdout, stderr } = await dm(['experiment', 'list', '--limit', '2']);
      expect(stdout.trim().split('\n')).toHaveLength(3);
      expect(stderr).toContain('--limit');
    });

    it('says in words that a list is empty, and keeps stdout clean', async () => {
      station.on('GET /api/v1/experiments', page());
      expect(await dm(['experiment', 'list'])).toMatchObject({ stdout: '', stderr: 'You see no experiments yet.\n' });
    });
  });

  describe('errors', () => {
    it('tell code, sentence and request id on stderr', async () => {
      station.on('GET /api/v1/jobs/7', problem(404, 'JOB_NOT_FOUND', 'There is no job 7.'));
      expect(await dm(['job', 'show', '7'])).toEqual({
        exitCode: EXIT.notFound,
        stdout: '',
        stderr: 'dm: JOB_NOT_FOUND: There is no job 7.\n    request req-1\n',
      });
    });

    it('are one JSON document under --json', async () => {
      station.on('GET /api/v1/jobs/7', problem(404, 'JOB_NOT_FOUND', 'There is no job 7.'));
      const { stderr } = await dm(['job', 'show', '7', '--json']);
      expect(JSON.parse(stderr)).toEqual({
        error: {
          code: 'JOB_NOT_FOUND',
          message: 'There is no job 7.',
          exitCode: EXIT.notFound,
          status: 404,
          requestId: 'req-1',
          details: {},
        },
      });
    });

    it.each([[['experimnt']], [['job', 'show']], [['upload', '.', '--quiet', 'soon', '-e', 'x']]])(
      'of usage (%j) have their own exit code',
      async (argv) => {
        const { exitCode, stderr } = await dm(argv);
        expect(exitCode).toBe(EXIT.usage);
        expect(stderr).toMatch(/^dm: /);
        expect(JSON.parse((await dm([...argv, '--json'])).stderr)).toMatchObject({ error: { code: 'USAGE' } });
      },
    );

    it('do not happen for help', async () => {
      const { exitCode, stdout } = await dm(['job', '--help']);
      expect(exitCode).toBe(EXIT.ok);
      expect(stdout).toContain('wait');
    });
  });

  describe('what cannot be undone', () => {
    beforeEach(() => {
      station.on('GET /api/v1/experiments/e1', { body: { name: 'e1' } });
      station.on('GET /api/v1/experiments/e1/stats', { body: { countFiles: 1204, totalBytes: 3e9 } });
      station.on('DELETE /api/v1/experiments/e1', { body: { removedDirectory: '/store/.removed/e1' } });
    });

    it('is refused with its counts where nobody can be asked', async () => {
      const { exitCode, stderr } = await dm(['experiment', 'delete', 'e1']);
      expect(exitCode).toBe(EXIT.notConfirmed);
      expect(stderr).toContain('1,204 files, 3.0 GB');
      expect(stderr).toContain('--yes');
      expect(station.requests.map(({ method }) => method)).not.toContain('DELETE');
    });

    it('is done under --yes', async () => {
      expect((await dm(['experiment', 'delete', 'e1', '--yes'])).exitCode).toBe(EXIT.ok);
      expect(station.requests.map(({ method }) => method)).toContain('DELETE');
    });
  });

  it('writes a token or a session nowhere but into the session file', async () => {
    station.on('GET /api/v1/auth/me', problem(500, 'INTERNAL', 'Something broke.'));
    const { stdout, stderr } = await dm(['whoami'], { environment: { DM_TOKEN: 'very-secret' } });
    expect(stdout + stderr).not.toContain('very-secret');
    await expect(readFile(join(cli.directory, 'dm', 'sessions'))).rejects.toThrow(/ENOENT/);
  });
});
