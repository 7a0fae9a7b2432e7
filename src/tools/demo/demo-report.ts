import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { JobAnswer } from '../../cli/api-types.js';
import type { DemoFacts } from './demo-facts.js';

export interface Check {
  name: string;
  passed: boolean;
  /** What was seen instead, where it did not hold. */
  detail: string;
}

export interface ReportedFile {
  /** Text form, relative to the experiment. */
  path: string;
  /** Bytes. */
  size: number;
  md5Sum: string | null;
  state: string;
  version: number | null;
  /**
   * From the moment the file was complete (the detector closed it; a job last wrote to its result) to the arrival of the
   * event that says it is done; null when no such event came.
   */
  secondsFromCompleteToCataloged: number | null;
}

export interface ReportedJob {
  id: string;
  file: string;
  status: string;
  stages: { key: string; status: string; exitStatus: number | null }[];
}

/** `DM_DATA_DIR/demo/report.json`. Times RFC 3339 in UTC. */
export interface DemoReport {
  passed: boolean;
  startedAt: string;
  seconds: number;
  files: ReportedFile[];
  jobs: ReportedJob[];
  checks: Check[];
  /** Why the demo ended early, if it did. */
  error: string | null;
  /** Where everything still lies, when something failed. */
  keptFolder: string | null;
}

/** Written whole or not at all: whoever reads it meanwhile sees the report of the run before. */
export async function writeReport(path: string, report: DemoReport): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.tmp`, `${JSON.stringify(report, null, 2)}\n`);
  await rename(`${path}.tmp`, path);
}

export function reportedFiles(facts: DemoFacts): ReportedFile[] {
  const completedAt = new Map(facts.written.map(({ path, completedAtMs }) => [path, completedAtMs]));
  return facts.ledger
    .map(({ id, path, sizeBytes, md5Sum, state, version, modifiedAt }) => {
      const completed = completedAt.get(path) ?? Date.parse(modifiedAt);
      const done = facts.doneAtMs.get(id);
      const seconds = done === undefined ? null : Math.max(0, done - completed) / 1000;
      return { path, size: sizeBytes, md5Sum, state, version, secondsFromCompleteToCataloged: seconds };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function reportedJob({ id, input, status, stages = [] }: JobAnswer): ReportedJob {
  return {
    id,
    file: input?.path ?? '',
    status,
    stages: stages.map(({ key, status: stageStatus, childProcesses }) => ({
      key,
      status: stageStatus,
      exitStatus: childProcesses.at(-1)?.exitStatus ?? null,
    })),
  };
}
