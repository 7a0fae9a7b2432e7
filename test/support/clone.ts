import { execFile } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from './repository-root.js';

const run = promisify(execFile);

/** What a clone consists of, as far as it can be started; the build and the packages are taken along to save time. */
const PARTS = ['src', 'migrations', 'config', 'package.json', 'package-lock.json', 'tsconfig.json', '.npmrc', 'dist'];

/** Another clone of this repository, set up, at `target`. @returns `target` */
export async function copyClone(target: string): Promise<string> {
  await mkdir(target);
  for (const part of PARTS) {
    await access(join(repositoryRoot, part)).then(
      () => run('cp', ['-a', join(repositoryRoot, part), target]),
      () => undefined,
    );
  }
  const packages = join(repositoryRoot, 'node_modules');
  // As hard links where the file system allows it: hundreds of megabytes that nobody changes.
  await run('cp', ['-al', packages, target]).catch(() => run('cp', ['-a', packages, target]));
  return target;
}
