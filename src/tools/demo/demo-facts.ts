import { readFile } from 'node:fs/promises';
import { type ApiClient, apiPath } from '../../cli/api-client.js';
import type { ExperimentAnswer, FileAnswer, JobAnswer, LedgerRow, Statistics, WhyFile } from '../../cli/api-types.js';
import { textToPath } from '../../kernel/path-text.js';
import { type DiskFact, diskFacts, filesNamed } from './disk-facts.js';
import { summaryPath } from './demo-workflow.js';

/** What the detector did to one file, by the detector's own word. */
export interface WrittenExposure {
  /** Text form, relative to the experiment: where it must end up. */
  path: string;
  isHdf5: boolean;
  sizeBytes: number;
  completedAtMs: number;
}

/** Everything that the checks compare: what was written, what lies on the disks, and what the station says. */
export interface DemoFacts {
  written: WrittenExposure[];
  /** What lies in the detectors' directories, keyed by the path where it must end up. */
  source: Map<string, DiskFact>;
  /** What lies in the experiment's directory. */
  stored: Map<string, DiskFact>;
  /** Text of the summaries on disk, by the path of the file that they are about. */
  summaries: Map<string, string>;
  /** Files that only a name taken for a command could have made. */
  executedNames: string[];
  catalog: FileAnswer[];
  ledger: LedgerRow[];
  jobs: JobAnswer[];
  statistics: Statistics;
  /** The timeline of one awkward file. */
  why: WhyFile;
  /** When the event came that says a ledger row is done, in milliseconds since 1970. */
  doneAtMs: Map<string, number>;
  /** Experiments that somebody sees who belongs to none. */
  seenByStranger: number;
}

export interface FactSources {
  client: ApiClient;
  stranger: ApiClient;
  experiment: ExperimentAnswer;
  detectorDirectory: string;
  root: string;
  written: WrittenExposure[];
  doneAtMs: Map<string, number>;
}

export async function gatherFacts(sources: FactSources): Promise<DemoFacts> {
  const { client, experiment, written, doneAtMs } = sources;
  const base = apiPath`/experiments/${experiment.name}`;
  const jobs = await client.allItems<JobAnswer>('/jobs', { experiment: experiment.name });
  const told = written.find(({ path, isHdf5 }) => isHdf5 && path.includes('\\x0a')) ?? written[0];
  return {
    written,
    doneAtMs,
    source: prefixed('data/', await diskFacts(sources.detectorDirectory)),
    stored: await diskFacts(experiment.storageDirectory),
    summaries: await readSummaries(experiment, written),
    executedNames: await filesNamed(sources.root, 'PWNED'),
    catalog: await client.allItems<FileAnswer>(`${base}/files`, { sort: 'path' }),
    ledger: await client.allItems<LedgerRow>(`${base}/ledger`),
    jobs: await Promise.all(jobs.map(({ id }) => client.get<JobAnswer>(apiPath`/jobs/${id}`))),
    statistics: await client.get<Statistics>(`${base}/stats`),
    why: await client.get<WhyFile>(`${base}/why`, { path: told?.path }),
    seenByStranger: (await sources.stranger.allItems('/experiments')).length,
  };
}

function prefixed(prefix: string, facts: Map<string, DiskFact>): Map<string, DiskFact> {
  return new Map([...facts].map(([path, fact]) => [prefix + path, fact]));
}

async function readSummaries(
  experiment: ExperimentAnswer,
  written: readonly WrittenExposure[],
): Promise<Map<string, string>> {
  const summaries = new Map<string, string>();
  for (const { path } of written.filter(({ isHdf5 }) => isHdf5)) {
    const bytes = textToPath(`${experiment.storageDirectory}/${summaryPath(path.slice(path.lastIndexOf('/') + 1))}`);
    summaries.set(path, await readFile(bytes, 'latin1').catch(() => ''));
  }
  return summaries;
}
