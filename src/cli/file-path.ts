import { type ApiClient, apiPath } from './api-client.js';
import type { ExperimentAnswer, FileAnswer } from './api-types.js';
import type { CliContext } from './context.js';

/** A file as a person names it: its experiment, and its path in text form relative to the experiment's directory. */
export interface FileName {
  experiment: string;
  path: string;
}

/**
 * Understands what people paste: a path relative to the experiment (as `dm file list` shows it), or, without an
 * experiment being named, the absolute path of the file in storage.
 */
export async function fileName(
  context: CliContext,
  client: ApiClient,
  path: string,
  experimentOption: string | undefined,
): Promise<FileName> {
  if (path.startsWith('/') && experimentOption === undefined) {
    for await (const experiment of client.items<ExperimentAnswer>('/experiments')) {
      if (path.startsWith(`${experiment.storageDirectory}/`)) {
        return { experiment: experiment.name, path: path.slice(experiment.storageDirectory.length + 1) };
      }
    }
  }
  return { experiment: context.experiment(experimentOption), path };
}

export function getFile(client: ApiClient, { experiment, path }: FileName, version?: number): Promise<FileAnswer> {
  return client.get<FileAnswer>(apiPath`/experiments/${experiment}/files/by-path`, { path, version });
}
