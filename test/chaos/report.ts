import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineFacts } from '../bench/pieces/machine.ts';
import type { Breach } from './check/evidence.ts';
import type { ChaosOptions } from './options.ts';
import type { FaultKind, LateFaultKind } from './plan.ts';
import { chaosDirectory } from './places.ts';
import { SETTLE_SECONDS } from './settling.ts';

type Kind = FaultKind | LateFaultKind;

export interface Report {
  seed: number;
  variant: string;
  minutes: number;
  hasHeld: boolean;
  /** By kind: those that really struck, and how often it was tried. */
  faults: Partial<Record<Kind, number>>;
  faultsTried: Partial<Record<Kind, number>>;
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
  /** Longest time from the last mending to the last file done, of all rounds; a start of the station is part of it. */
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

/** Counts one attempt of a kind, and how often it struck. */
export function noteFault(report: Report, kind: Kind, struck: number): void {
  report.faultsTried[kind] = (report.faultsTried[kind] ?? 0) + 1;
  report.faults[kind] = (report.faults[kind] ?? 0) + struck;
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
    ([kind, count]) => `    ${kind.padEnd(30)} ${report.faults[kind as Kind] ?? 0} struck of ${count}`,
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
