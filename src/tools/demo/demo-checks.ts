import type { FileAnswer, JobAnswer } from '../../cli/api-types.js';
import { plural } from '../../cli/format.js';
import type { DemoFacts } from './demo-facts.js';
import type { Check } from './demo-report.js';
import { DEMO_WORKFLOW, summaryPath } from './demo-workflow.js';

/** Names that are shown where a check fails; the report has the same. */
const NAMED = 5;

/** Compares what the station says with what lies on the disks. Pure, so that a test can lie to it. */
export function checkFacts(facts: DemoFacts): Check[] {
  return [...checkFiles(facts), ...checkJobs(facts), ...checkBounds(facts)];
}

function checkFiles(facts: DemoFacts): Check[] {
  return [
    checkEach(
      'every file arrived: md5sum and stat agree on detector and storage',
      facts.written,
      ({ path, sizeBytes }) => {
        const [source, stored] = [facts.source.get(path), facts.stored.get(path)];
        return isSame(source, stored) && source?.sizeBytes === sizeBytes ? undefined : path;
      },
    ),
    checkSet('storage holds these files and the results, nothing half there, nothing doubled', {
      expected: [...facts.written.map(({ path }) => path), ...resultPaths(facts)],
      found: [...facts.stored.keys()],
    }),
    checkEach('every digest and size in the catalog is what md5sum and stat find in storage', facts.catalog, (file) =>
      isSame(facts.stored.get(file.path), file) ? undefined : file.path,
    ),
    checkSet('the catalog holds each file once, as version 1: none was taken half written', {
      expected: [...facts.stored.keys()].map((path) => `${path} v1`),
      found: facts.catalog.map(({ path, version }) => `${path} v${version}`),
    }),
    checkEach('every file carries the metadata that its acquisition was given', writtenFiles(facts), (file) =>
      file.metadata['sample'] === 'AgBeh' && file.metadata['link'] === 'https://example.org/agbeh'
        ? undefined
        : file.path,
    ),
    checkEach('the ledger has every file as done', [...facts.stored.keys()], (path) =>
      facts.ledger
        .filter((row) => row.path === path)
        .map(({ state }) => state)
        .join() === 'done'
        ? undefined
        : path,
    ),
    checkStatistics(facts),
  ];
}

function checkJobs(facts: DemoFacts): Check[] {
  return [
    checkSet('each HDF5 file started the workflow once, and no other file did', {
      expected: facts.written.filter(({ isHdf5 }) => isHdf5).map(({ path }) => path),
      found: facts.jobs.map(inputPath),
    }),
    checkEach('every job went through its three stages', facts.jobs, (job) =>
      hasPassed(job) ? undefined : `${inputPath(job)} (${job.status}: ${job.errorMessage ?? 'no reason given'})`,
    ),
    checkEach('the digest that a job took is the one that md5sum finds', facts.jobs, (job) =>
      job.variables?.['digest'] === facts.stored.get(inputPath(job))?.md5Sum ? undefined : inputPath(job),
    ),
    checkEach('the summary that it left lies in the experiment and says so, too', facts.jobs, (job) => {
      const path = inputPath(job);
      const digest = facts.stored.get(path)?.md5Sum;
      const isRight = digest !== undefined && facts.summaries.get(path)?.includes(`md5 ${digest}\n`) === true;
      return isRight ? undefined : path;
    }),
    checkEach('the catalog knows which job made each summary', resultPaths(facts), (path) => {
      const file = facts.catalog.find((candidate) => candidate.path === path);
      return facts.jobs.some(({ id }) => id === file?.jobId) ? undefined : path;
    }),
  ];
}

/** What must not have happened. */
function checkBounds(facts: DemoFacts): Check[] {
  return [
    checkSet('no file name was taken for a command', { expected: [], found: facts.executedNames }),
    {
      name: 'who belongs to no experiment sees none',
      passed: facts.seenByStranger === 0,
      detail: facts.seenByStranger === 0 ? '' : `saw ${plural(facts.seenByStranger, 'experiment')}`,
    },
  ];
}

function writtenFiles(facts: DemoFacts): FileAnswer[] {
  const paths = new Set(facts.written.map(({ path }) => path));
  return facts.catalog.filter(({ path }) => paths.has(path));
}

function resultPaths(facts: DemoFacts): string[] {
  const inputs = facts.written.filter(({ isHdf5 }) => isHdf5);
  return inputs.map(({ path }) => summaryPath(path.slice(path.lastIndexOf('/') + 1)));
}

function inputPath(job: JobAnswer): string {
  return job.input?.path ?? `job ${job.id} without a file`;
}

function hasPassed(job: JobAnswer): boolean {
  const stages = job.stages ?? [];
  const expected = Object.keys(DEMO_WORKFLOW.stages);
  return (
    job.status === 'done' &&
    stages.map(({ key }) => key).join() === expected.join() &&
    stages.every(
      ({ status, childProcesses }) => status === 'done' && childProcesses.every((child) => child.exitStatus === 0),
    )
  );
}

function checkStatistics({ stored, statistics }: DemoFacts): Check {
  const sizes = [...stored.values()].map(({ sizeBytes }) => sizeBytes);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const mean = total / sizes.length;
  const deviation = Math.sqrt(sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / sizes.length);
  const isRight =
    statistics.countFiles === sizes.length &&
    statistics.totalBytes === total &&
    statistics.minBytes === Math.min(...sizes) &&
    statistics.maxBytes === Math.max(...sizes) &&
    isClose(statistics.meanBytes, mean) &&
    isClose(statistics.standardDeviationBytes, deviation);
  return {
    name: 'the statistics are what stat adds up to',
    passed: isRight,
    detail: isRight
      ? ''
      : `${plural(sizes.length, 'file')}, ${total} bytes on disk; the station says ${JSON.stringify(statistics)}`,
  };
}

/** Doubles of one formula in two languages differ in their last digits. */
function isClose(value: number | null, expected: number): boolean {
  return value !== null && Math.abs(value - expected) <= Math.max(1e-6, Math.abs(expected) * 1e-9);
}

function isSame(
  a: { sizeBytes: number; md5Sum: string | null } | undefined,
  b: { sizeBytes: number; md5Sum: string | null } | undefined,
): boolean {
  return (
    a !== undefined && b !== undefined && a.md5Sum !== null && a.md5Sum === b.md5Sum && a.sizeBytes === b.sizeBytes
  );
}

/** Holds when there is something to look at and `problemOf` finds nothing in any of it. */
function checkEach<Item>(name: string, items: readonly Item[], problemOf: (item: Item) => string | undefined): Check {
  const problems = items.flatMap((item) => problemOf(item) ?? []);
  const passed = items.length > 0 && problems.length === 0;
  return { name, passed, detail: items.length === 0 ? 'there was nothing to look at' : named(problems) };
}

function checkSet(name: string, { expected, found }: { expected: readonly string[]; found: readonly string[] }): Check {
  const missing = expected.filter((item) => !found.includes(item));
  const unexpected = found.filter((item, index) => !expected.includes(item) || found.indexOf(item) !== index);
  const detail = [
    ...(missing.length === 0 ? [] : [`missing: ${named(missing)}`]),
    ...(unexpected.length === 0 ? [] : [`not expected: ${named(unexpected)}`]),
  ];
  return { name, passed: detail.length === 0, detail: detail.join('; ') };
}

function named(items: readonly string[]): string {
  const more = items.length > NAMED ? ` and ${items.length - NAMED} more` : '';
  return items.slice(0, NAMED).join(', ') + more;
}
