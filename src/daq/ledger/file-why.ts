import type { Proof, ReplicaTrouble } from '../../storage/index.js';
import type { CopyOrderView } from '../replication/copy-order.js';
import type { LedgerRowView } from './ledger-row.view.js';

/** A copy of a file version, as the API shows it. */
export interface ReplicaView {
  ledgerId: string;
  destination: string;
  /** Absolute path at the destination. */
  location: string;
  md5Sum: string | null;
  sizeBytes: number;
  proof: Proof;
  verifiedAt: string;
  /** What an audit found to be the matter with it since. */
  trouble: { kind: ReplicaTrouble; reason: string | null } | null;
}

export interface TimelineEntry {
  at: string;
  what: string;
}

/** Another place at which the content of a version was found, too. */
export interface OtherSource {
  ledgerId: string;
  host: string;
  path: string;
  acquisitionId: string;
  foundAt: string;
}

export interface FileWhy {
  path: string;
  /** One sentence: where the file stands, why, and what to do if anything. */
  verdict: string;
  rows: (LedgerRowView & Surroundings & { timeline: TimelineEntry[] })[];
}

/** What is known of file versions beside their rows. */
export interface Surroundings {
  replicas: ReplicaView[];
  /** Copies that further destinations still wait for. */
  copies: CopyOrderView[];
  otherSources: OtherSource[];
}

/** Answers "where is my file and why" from the records alone. `rows`: newest first. */
export function whyOf(path: string, rows: readonly LedgerRowView[], known: Surroundings): FileWhy {
  const [newest] = rows;
  return {
    path,
    verdict: newest === undefined ? unknown() : verdictOf(newest),
    rows: rows.map((row) => {
      const isOfRow = ({ ledgerId }: { ledgerId: string }) => ledgerId === row.id;
      const replicas = known.replicas.filter(isOfRow);
      const copies = known.copies.filter(isOfRow);
      const otherSources = known.otherSources.filter(isOfRow);
      return { ...row, replicas, copies, otherSources, timeline: timelineOf(row, { replicas, copies, otherSources }) };
    }),
  };
}

function unknown(): string {
  return 'The ledger knows no such file: no acquisition has seen it. Check the path, that an acquisition watches its directory, and its include and exclude patterns.';
}

function verdictOf(row: LedgerRowView): string {
  const because = row.reason === null ? '' : ` ${row.reason}`;
  const but = row.warnings.length === 0 ? '' : ` ${warned(row.warnings)}`;
  switch (row.state) {
    case 'seen':
    case 'settling':
      return 'It was seen and waits until it has stood still for the quiet time: it is still being written, or was just finished.';
    case 'queued':
      return 'It is complete and waits for a free worker.';
    case 'transferring':
    case 'verifying':
      return 'It is being copied and verified just now.';
    case 'cataloguing':
      return `It is in storage, verified, and waits for the steps after that.${because}`;
    case 'done':
      return `It is safe: version ${row.version ?? '?'} is in storage, read back and cataloged.${but}`;
    case 'deferred':
      return `It changed while it was copied, so it is looked at again.${because}`;
    case 'failed':
      return `The last attempt failed; the next one is due at ${row.dueAt ?? 'once'}.${because}`;
    case 'quarantined':
      return `It needs a person.${because}`;
    case 'skipped':
      return `It was left out.${because}`;
    case 'cancelled':
      return `It was not fetched.${because}`;
  }
}

function warned(warnings: LedgerRowView['warnings']): string {
  const newest = warnings.at(-1);
  const more = warnings.length === 1 ? '' : ` (and ${warnings.length - 1} more)`;
  return newest === undefined ? '' : `Plug-in ${newest.plugin} warned: ${newest.message}${more}`;
}

function timelineOf(row: LedgerRowView, { replicas, copies, otherSources }: Surroundings): TimelineEntry[] {
  const entries: TimelineEntry[] = [
    { at: row.modifiedAt, what: `last written at the source (${row.sizeBytes} bytes)` },
    { at: row.seenAt, what: `seen at ${row.source.host}:${row.source.path}` },
  ];
  if (row.settledAt !== null) {
    entries.push({ at: row.settledAt, what: 'complete: size, time and inode stood still' });
  }
  if (row.transferredAt !== null) {
    entries.push({ at: row.transferredAt, what: `in storage, read back, md5 ${row.md5Sum ?? ''}` });
  }
  for (const replica of replicas) {
    entries.push({ at: replica.verifiedAt, what: `copy ${replica.location} proven by ${replica.proof}` });
  }
  for (const { orderedAt, destination, state, reason } of copies) {
    entries.push({
      at: orderedAt,
      what: `copy to ${destination} ordered, ${state}${reason === null ? '' : `: ${reason}`}`,
    });
  }
  for (const { at, plugin, code, message } of row.warnings) {
    entries.push({ at, what: `warning of ${plugin} (${code}): ${message}` });
  }
  for (const { foundAt, host, path } of otherSources) {
    entries.push({ at: foundAt, what: `the same content found at ${host}:${path}` });
  }
  if (row.doneAt !== null) {
    entries.push({ at: row.doneAt, what: 'cataloged: done' });
  } else if (row.reason !== null) {
    entries.push({ at: row.updatedAt, what: `${row.state}: ${row.reason}` });
  }
  return entries.sort((a, b) => a.at.localeCompare(b.at));
}
