import { hostname } from 'node:os';

/** Who runs a station, as a second starter is told it. */
export interface InstanceFacts {
  pid: number;
  host: string;
  /** Where it answers, once that is known. */
  url: string | null;
  /** When it started (RFC 3339, UTC). */
  since: string;
  /** It has been asked to stop and is on its way; a next start waits for it instead of being refused. */
  isStopping?: boolean;
}

/** This process, started now. */
export function ownFacts(url: string | null = null): InstanceFacts {
  return { pid: process.pid, host: hostname(), url, since: new Date().toISOString() };
}

/** `process 4711 on sec99, since 2026-11-21T02:10:00Z, at http://…`, as far as it is known. */
export function describeHolder(facts: Partial<InstanceFacts> | undefined): string {
  if (facts?.pid === undefined) {
    return 'a station that does not say who it is';
  }
  const parts = [`the station with process id ${facts.pid}`];
  if (facts.host !== undefined) {
    parts.push(`on ${facts.host}`);
  }
  if (facts.since !== undefined) {
    parts.push(`since ${facts.since}`);
  }
  if (facts.url !== undefined && facts.url !== null) {
    parts.push(`at ${facts.url}`);
  }
  return parts.join(' ');
}
