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
