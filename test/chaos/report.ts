import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineFacts } from '../bench/pieces/machine.ts';
import type { Breach } from './check/evidence.ts';
import type { ChaosOptions } from './options.ts';
import type { FaultKind } from './plan.ts';
import { chaosDirectory } from './places.ts';
import { SETTLE_SECONDS } from './settling.ts';

export interface Report {
  seed: number;
  variant: string;
  minutes: number;
  hasHeld: boolean;
  /** By kind: those that really struck, and how often it was tried. */
  faults: Partial<Record<FaultKind, number>>;
  faultsTried: Partial<Record<FaultKind, number>>;
  /** By kind, why it could not strike here. */
  faultsLeftOut: Partial<Record<FaultKind, string>>;
  files: number;
  rewrites: number;
  lost: number;
  corrupt: number;
  duplicated: number;
  phantom: number;
  /** Neither of these: rows that wait for a person, an acquisition that gave up, a process left behind. */
  other: number;
  /** Longest time from the last mending to the last file done, of all rounds. */
  settledSeconds: number;
  stationRestarts: number;
  /** Starts of it that came to nothing, such as by a database that was killed meanwhile; the supervisor tried again. */
  failedStarts: number;
  servers: Record<string, string>;
  machine: ReturnType<typeof machineFacts>;
  finishedAt: string;
}

export function emptyReport(options: ChaosOptions): Report {
  return {
    seed: options.seed,
    variant: options.variant,
    minutes: options.minutes,
    hasHeld: false,
    faults: {},
    faultsTried: {},
    faultsLeftOut: {},
    files: 0,
    rewrites: 0,
    lost: 0,
    corrupt: 0,
    duplicated: 0,
    phantom: 0,
    other: 0,
    settledSeconds: 0,
    stationRestarts: 0,
    failedStarts: 0,
    servers: {},
    machine: machineFacts(),
    finishedAt: '',
  };
}

const BREACHES: readonly Breach[] = ['lost', 'corrupt', 'duplicated', 'phantom', 'other'];

/** Whole or not at all. */
export function writeReport(report: Report): string {
  report.hasHeld = BREACHES.every((breach) => report[breach] === 0) && report.settledSeconds <= SETTLE_SECONDS;
  report.finishedAt = new Date().toISOString();
  const file = join(chaosDirectory(), 'report.json');
  mkdirSync(chaosDirectory(), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(report, undefined, 2)}\n`);
  renameSync(`${file}.new`, file);
  return file;
}

/** For people. */
export function summaryOf(report: Report): string {
  const tried = Object.entries(report.faultsTried).map(
    ([kind, count]) => `    ${kind.padEnd(30)} ${report.faults[kind as FaultKind] ?? 0} struck of ${count}`,
  );
  const leftOut = Object.entries(report.faultsLeftOut).map(([kind, reason]) => `!!! ${kind} IS LEFT OUT: ${reason}`);
  const breaches = BREACHES.map((breach) => `${report[breach]} ${breach}`).join(', ');
  return [
    '',
    `seed ${report.seed}, ${report.variant}, ${report.minutes} minutes: ${report.hasHeld ? 'ALL HELD' : 'NOT ALL HELD'}`,
    `    ${report.files} files, ${report.rewrites} of them written again: ${breaches}`,
    `    settled at most ${report.settledSeconds.toFixed(1)} s after the last mending (promised: ${SETTLE_SECONDS})`,
    `    the station was started again ${report.stationRestarts} times; ${report.failedStarts} starts came to nothing`,
    ...tried,
    ...leftOut,
    '',
  ].join('\n');
}
