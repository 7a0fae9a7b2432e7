import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryRoot } from './repository-root.ts';

/** Small files of real beamlines, which every checkout has. */
const OWN = join(repositoryRoot, 'test/data/readers');

/** The larger collection, `shared/data` beside the repository or beside a directory above it; undefined where there is none. */
export const sharedData: string | undefined = findSharedData(repositoryRoot);

/** Path of a real file by its name; undefined where this machine does not have it. */
export function realFile(name: string): string | undefined {
  return [OWN, sharedData]
    .filter((directory) => directory !== undefined)
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path));
}

/** All real files that this machine has, by name. */
export function realFiles(): Map<string, string> {
  const directories = [...(sharedData === undefined ? [] : [sharedData]), OWN];
  const names = directories.flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => name !== 'README.md')
      .map((name) => [name, join(directory, name)] as const),
  );
  return new Map(names.sort());
}

function findSharedData(below: string): string | undefined {
  const directory = dirname(below);
  const candidate = join(directory, 'shared/data');
  return existsSync(candidate) ? candidate : directory === below ? undefined : findSharedData(directory);
}
