import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EmbeddedPostgres } from '../../src/platform/embedded-postgres/index.js';
import { repositoryRoot } from '../support/repository-root.js';
import { cleanEnvironment, StationProcess } from '../support/station-process.js';

const run = promisify(execFile);
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];

describe('the installed package', () => {
  let directory: string;
  let packages: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dm-package-'));
    await chmod(directory, 0o755);
    packages = join(directory, 'app', 'node_modules');
    await mkdir(join(directory, 'app'));
    await npm(repositoryRoot, 'pack', '--ignore-scripts', '--pack-destination', directory);
    const archive = (await readdir(directory)).find((name) => name.endsWith('.tgz')) ?? 'no archive';
    // Most of it comes from the cache, which has it from the clone's own installation.
    await npm(join(directory, 'app'), 'install', '--omit=dev', join(directory, archive), ...QUIET);
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  test('brings neither tests nor development packages', async () => {
    const content = await readdir(join(packages, 'dm-station'));
    expect(content).not.toContain('test');
    await expect(access(join(packages, 'typescript'))).rejects.toThrow('ENOENT');
    await expect(access(join(packages, 'vitest'))).rejects.toThrow('ENOENT');
    const built = await readdir(join(packages, 'dm-station', 'dist'), { recursive: true });
    expect(built.filter((name) => /\.spec\.|tsbuildinfo|\.ts$/.test(name))).toEqual([]);
  });

  test('starts a station, on whichever Node.js the machine has', async () => {
    const dataDirectory = join(directory, 'data');
    await mkdir(dataDirectory);
    const command = [join(packages, '.bin', 'dm-station')];

    const station = await StationProcess.start({ dataDirectory, command, cwd: directory });
    try {
      expect(await station.json('/health/live')).toMatchObject({ status: 200 });
      expect(await station.stop()).toEqual({ code: 0, signal: null });
    } finally {
      station.killTree();
      await new EmbeddedPostgres({ dataDirectory }).remove();
    }
  });

  test('brings the command dm', async () => {
    const { stdout } = await run(join(packages, '.bin', 'dm'), ['--help'], { env: cleanEnvironment() });

    expect(stdout).toMatch(/Usage: dm/);
  });
});

async function npm(cwd: string, ...args: string[]): Promise<void> {
  await run('npm', args, { cwd, env: cleanEnvironment(), maxBuffer: 64 * 1024 * 1024 });
}
