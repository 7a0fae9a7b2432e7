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

/** Why a source file that was to be removed stayed. */
export interface KeptSource {
  ledgerId: string;
  at: string;
  reason: string;
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
  keptSources: KeptSource[];
}

/** Answers "where is my file and why" from the records alone. `rows`: newest first. */
export function whyOf(path: string, rows: readonly LedgerRowView[], known: Surroundings): FileWhy {
  const [newest] = rows;
  return {
    path,
    verdict: newest === undefined ? unknown() : verdictOf(newest, known.replicas),
    rows: rows.map((row) => {
      const isOfRow = ({ ledgerId }: { ledgerId: string }) => ledgerId === row.id;
      const replicas = known.replicas.filter(isOfRow);
      const copies = known.copies.filter(isOfRow);
      const otherSources = known.otherSources.filter(isOfRow);
      const keptSources = known.keptSources.filter(isOfRow);
      const timeline = timelineOf(row, { replicas, copies, otherSources, keptSources });
      return { ...row, replicas, copies, otherSources, keptSources, timeline };
    }),
  };
}

function unknown(): string {
  return 'The ledger knows no such file: no acquisition has seen it. Check the path, that an acquisition watches its directory, and its include and exclude patterns.';
}

function verdictOf(row: LedgerRowView, replicas: readonly ReplicaView[]): string {
  const because = row.reason === null ? '' : ` ${row.reason}`;
  const but = row.warnings.length === 0 ? '' : ` ${warned(row.warnings)}`;
  switch (row.state) {
    case 'seen':
    case 'settling':
      return (
        row.reason ??
        'It was seen and waits until it has stood still for the quiet time: it is still being written, or was just finished.'
      );
    case 'queued':
      return 'It is complete and waits for a free worker.';
    case 'transferring':
    case 'verifying':
      return 'It is being copied and verified just now.';
    case 'cataloguing':
      return `It is in storage, verified, and waits for the steps after that.${because}`;
    case 'done':
      return `${doneVerdict(row, replicas)}${but}`;
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

function doneVerdict(row: LedgerRowView, replicas: readonly ReplicaView[]): string {
  if (row.deletedAt !== null) {
    return `A person deleted it at ${row.deletedAt}. "dm file task list" shows by which task, and whether it can be brought back.`;
  }
  if (row.reprocesses !== null) {
    return 'It is safe: its copy was written, read back and cataloged again; the content is as it was.';
  }
  const [copy] = replicas.filter((replica) => replica.ledgerId === row.id);
  const version = `version ${row.version ?? '?'}`;
  switch (copy?.proof) {
    case 'none':
      return `It is only recorded (skipTransfer): ${version} lies at ${copy.location}, and the station has no copy of it. Upload it without skipTransfer to have one.`;
    case 'size':
      return `It is in storage, but only its size was compared (skipChecksum): ${version} does not count as verified. Upload it with reprocessFiles to verify it.`;
    default:
      return `It is safe: ${version} is in storage, read back and cataloged.`;
  }
}

function warned(warnings: LedgerRowView['warnings']): string {
  const newest = warnings.at(-1);
  const more = warnings.length === 1 ? '' : ` (and ${warnings.length - 1} more)`;
  return newest === undefined ? '' : `Plug-in ${newest.plugin} warned: ${newest.message}${more}`;
}

function timelineOf(
  row: LedgerRowView,
  { replicas, copies, otherSources, keptSources }: Surroundings,
): TimelineEntry[] {
  const entries: TimelineEntry[] = [
    { at: row.modifiedAt, what: `last written at the source (${row.sizeBytes} bytes)` },
    { at: row.seenAt, what: `seen at ${row.source.host}:${row.source.path}` },
  ];
  if (row.settledAt !== null) {
    entries.push({ at: row.settledAt, what: 'complete: size, time and inode stood still' });
  }
  if (row.transferredAt !== null) {
    entries.push({ at: row.transferredAt, what: row.md5Sum === null ? 'in storage' : `in storage, md5 ${row.md5Sum}` });
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
  for (const { at, reason } of keptSources) {
    entries.push({ at, what: `source file not removed: ${reason}` });
  }
  if (row.sourceRemovedAt !== null) {
    entries.push({ at: row.sourceRemovedAt, what: 'source file removed: its copy is proven' });
  }
  if (row.deletedAt !== null) {
    entries.push({ at: row.deletedAt, what: 'deleted by a person' });
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
