import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { npm } from './install-packages.mjs';
import { say, SetupError } from './say.mjs';

/** Installs `dm` and `dm-station` below `--prefix DIR` (programs in DIR/bin), independent of this clone. */
export async function installCli(root, args, cwd) {
  const { values } = parseArgs({ args, options: { prefix: { type: 'string' } } });
  if (values.prefix === undefined) {
    throw new SetupError('Say where to: npm run install:cli -- --prefix DIR (the programs go to DIR/bin).', 2);
  }
  const prefix = resolve(cwd, values.prefix);
  const folder = mkdtempSync(join(tmpdir(), 'dm-pack-'));
  try {
    // The build is up to date already, so the script that would make it is skipped.
    await succeed(root, ['pack', '--ignore-scripts', '--pack-destination', folder]);
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    await succeed(root, ['install', '--global', '--prefix', prefix, ...PRODUCTION, join(folder, archive ?? '')]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  say(`installed: ${join(prefix, 'bin', 'dm')} and ${join(prefix, 'bin', 'dm-station')}`);
  return 0;
}

const PRODUCTION = [
  '--omit=dev',
  '--include=optional',
  '--no-engine-strict',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
];

async function succeed(root, args) {
  const { code, output } = await npm(root, args);
  if (code !== 0) {
    throw new SetupError(`npm ${args[0]} failed:\n${output.trim()}`);
  }
}
