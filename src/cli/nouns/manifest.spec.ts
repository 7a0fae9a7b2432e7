import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedCli } from '../../../test/support/scripted-cli.js';
import { EXIT } from '../exit-codes.js';

const LIST = Buffer.concat([Buffer.from('9dd4e461268c8034f5c8564e155c67a6  '), Buffer.of(0xff, 0xfe, 0x0a)]);

describe('dm experiment manifest', () => {
  let cli: ScriptedCli;

  beforeEach(async () => {
    cli = await ScriptedCli.start();
  });
  afterEach(() => cli.stop());

  it('writes the bytes of names as they came', async () => {
    cli.station.on('GET /api/v1/experiments/e1/manifest', (_request, response) => {
      response.end(LIST);
      return undefined;
    });
    const { exitCode } = await cli.run(['experiment', 'manifest', 'e1', '-o', 'list.md5', '--path-prefix', 'data/']);
    expect(exitCode).toBe(EXIT.ok);
    expect(readFileSync(join(cli.directory, 'list.md5')).equals(LIST)).toBe(true);
    expect(cli.station.seen('GET /api/v1/experiments/e1/manifest').query).toEqual({
      format: 'md5sum',
      versions: 'latest',
      pathPrefix: 'data/',
    });
  });

  it('leaves no file behind when the connection is cut in the middle', async () => {
    cli.station.on('GET /api/v1/experiments/e1/manifest', (_request, response) => {
      response.write(LIST, () => response.destroy());
      return undefined;
    });
    const { exitCode } = await cli.run(['experiment', 'manifest', 'e1', '-o', 'list.md5']);
    expect(exitCode).not.toBe(EXIT.ok);
    expect(existsSync(join(cli.directory, 'list.md5'))).toBe(false);
    expect(readdirSync(cli.directory).filter((name) => name.includes('unfinished'))).toEqual([]);
  });

  it('has SHA-256 computed first when it is told to, and asks for the list when that is done', async () => {
    const states = ['pending', 'running', 'done'];
    const body = () => ({ id: 'a1', status: states.shift() ?? 'done', errorMessage: null, repairs: { requested: 0 } });
    cli.station.on('POST /api/v1/audits', () => ({ status: 201, body: body() }));
    cli.station.on('GET /api/v1/audits/a1', () => ({ body: body() }));
    cli.station.on('GET /api/v1/experiments/e1/manifest', (_request, response) => {
      response.end(`${states.length} left`);
      return undefined;
    });
    const { exitCode, stdout } = await cli.run(['experiment', 'manifest', 'e1', '--format', 'sha256sum', '--compute']);
    expect({ exitCode, stdout }).toEqual({ exitCode: EXIT.ok, stdout: '0 left' });
    expect(cli.station.seen('POST /api/v1/audits').body).toEqual({ experiment: 'e1', deep: true, sha256: true });
  });

  it('makes no list when the computing came to nothing', async () => {
    const failed = { id: 'a1', status: 'failed', errorMessage: 'the disk is gone', repairs: { requested: 0 } };
    cli.station.on('POST /api/v1/audits', { status: 201, body: failed });
    cli.station.on('GET /api/v1/audits/a1', { body: failed });
    const options = ['--format', 'sha256sum', '--compute', '-o', 'list.sha256'];
    const { exitCode, stderr } = await cli.run(['experiment', 'manifest', 'e1', ...options]);
    expect(exitCode).toBe(EXIT.workFailed);
    expect(stderr).toContain('the disk is gone');
    expect(existsSync(join(cli.directory, 'list.sha256'))).toBe(false);
  });

  it('computes nothing for a format that needs nothing computed', async () => {
    expect(await cli.run(['experiment', 'manifest', 'e1', '--compute'])).toMatchObject({ exitCode: EXIT.usage });
  });

  it('asks for the evidence under --json', async () => {
    cli.station.on('GET /api/v1/experiments/e1/manifest', { body: { path: 'data/a' } });
    const { stdout } = await cli.run(['--json', 'experiment', 'manifest', 'e1', '--all-versions']);
    expect(JSON.parse(stdout)).toEqual({ path: 'data/a' });
    expect(cli.station.seen('GET /api/v1/experiments/e1/manifest').query).toEqual({
      format: 'ndjson',
      versions: 'all',
    });
  });
});
