import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { say, SetupError } from './say.mjs';

const STAMP = join('dist', '.dm-built');
const SOURCES = ['src', 'migrations'];

/** Whether `dist` is the build of the sources as they are. */
export function isBuildFresh(root) {
  try {
    return readFileSync(join(root, STAMP), 'utf8') === fingerprint(root);
  } catch {
    return false;
  }
}

/** Compiles what changed; call it with the set-up's lock held. */
export function build(root, node) {
  if (isBuildFresh(root)) {
    return;
  }
  // Taken before, so that a file saved during the build makes the next run build again.
  const built = fingerprint(root);
  say('building …');
  rmSync(join(root, STAMP), { force: true });
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const outcome = spawnSync(node, [compiler, '-p', join(root, 'tsconfig.json')], { cwd: root, encoding: 'utf8' });
  if (outcome.status !== 0) {
    throw new SetupError(`The sources do not compile:\n${outcome.stdout}${outcome.stderr}`.trim());
  }
  SOURCES.forEach((folder) => {
    removeLeftovers(root, folder);
    copyAssets(root, folder);
  });
  writeFileSync(join(root, STAMP), built);
}

function fingerprint(root) {
  const hash = createHash('sha256');
  const files = SOURCES.flatMap((folder) => filesBelow(root, folder)).filter((path) => !path.endsWith('.spec.ts'));
  for (const path of [...files, 'tsconfig.json', 'package-lock.json']) {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** A migration or a plug-in that was renamed must not be found under its old name as well. */
function removeLeftovers(root, folder) {
  for (const path of filesBelow(root, join('dist', folder))) {
    const source = path.replace(/^dist[/\\]/, '').replace(/\.(?:d\.ts|js)(?:\.map)?$/, '.ts');
    if (source.endsWith('.ts') && !existsSync(join(root, source))) {
      rmSync(join(root, path));
    }
  }
}

/** What is read at run time and not compiled (JSON, HTML, Python), beside the code that reads it. */
function copyAssets(root, folder) {
  for (const path of filesBelow(root, folder)) {
    if (!/\.(?:ts|mjs|mts|md)$/.test(path)) {
      mkdirSync(dirname(join(root, 'dist', path)), { recursive: true });
      copyFileSync(join(root, path), join(root, 'dist', path));
    }
  }
}

/** @returns {string[]} paths relative to `root`, sorted */
function filesBelow(root, folder) {
  const entries = existsSync(join(root, folder)) ? readdirSync(join(root, folder), { withFileTypes: true }) : [];
  return entries
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(root, path) : [path];
    })
    .sort();
}
