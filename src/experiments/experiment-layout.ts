import { join } from 'node:path';

export const SUBDIRECTORIES = ['data', 'analysis', 'system'] as const;

/** Where removed experiments go, within the station's directory. No experiment can have this name: it has a dot in front. */
export const REMOVED_DIRECTORY = '.removed';

/** Path of an experiment within the storage area: `<station>[/<rootPath>]/<name>`. */
export function relativeDirectory(experiment: { stationName: string; rootPath: string | null; name: string }): string {
  return join(experiment.stationName, experiment.rootPath ?? '', experiment.name);
}

export function directoriesOf(
  storageRoot: string,
  experiment: { stationName: string; rootPath: string | null; name: string },
): { storageDirectory: string; dataDirectory: string; analysisDirectory: string; systemDirectory: string } {
  const storageDirectory = join(storageRoot, relativeDirectory(experiment));
  return {
    storageDirectory,
    dataDirectory: join(storageDirectory, 'data'),
    analysisDirectory: join(storageDirectory, 'analysis'),
    systemDirectory: join(storageDirectory, 'system'),
  };
}

/** Where the directory of an experiment goes when the experiment is removed: `<station>/.removed/<name>-<UTC time>`. */
export function removedDirectory(experiment: { stationName: string; name: string }, now: Date): string {
  const stamp = now.toISOString().replace(/[-:.]/g, '');
  return join(experiment.stationName, REMOVED_DIRECTORY, `${experiment.name}-${stamp}`);
}
