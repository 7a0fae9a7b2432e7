import { createHash } from 'node:crypto';
import type { NewEvent } from '../../platform/events/index.js';
import type { FileOutcome } from './file-outcome.js';

/** What one file of the journal holds: outcomes of rows that one run of the station had claimed. */
export interface JournalEntry {
  claimant: string;
  outcomes: FileOutcome[];
}

interface StoredEntry {
  claimant: string;
  outcomes: (Omit<FileOutcome, 'events'> & { events: string })[];
}

const HEADER = 'dm-outcomes 1';

/** First line: format and digest of the second, which is JSON; 64-bit numbers as text, bytes as base64. */
export function encodeEntry(entry: JournalEntry): string {
  // Events carry what people wrote, which may look like our own marks: they travel as text.
  const outcomes = entry.outcomes.map((outcome) => ({ ...outcome, events: JSON.stringify(outcome.events) }));
  const body = JSON.stringify({ ...entry, outcomes }, (_key, value: unknown) => packed(value));
  return `${HEADER} ${digestOf(body)}\n${body}\n`;
}

/** Undefined when it was torn in the middle of being written, or damaged since. */
export function decodeEntry(text: string): JournalEntry | undefined {
  const [header = '', body = '', end] = text.split('\n');
  if (end !== '' || header !== `${HEADER} ${digestOf(body)}`) {
    return undefined;
  }
  const { claimant, outcomes } = JSON.parse(body, (_key, value: unknown) => unpacked(value)) as StoredEntry;
  return {
    claimant,
    outcomes: outcomes.map((outcome) => ({ ...outcome, events: JSON.parse(outcome.events) as NewEvent[] })),
  };
}

function digestOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

function packed(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return { $int: value.toString() };
  }
  if (value instanceof Uint8Array) {
    return { $bytes: Buffer.from(value).toString('base64') };
  }
  // JSON.stringify has called a Buffer's own toJSON by now.
  const buffer = value as { type?: unknown; data?: unknown } | null;
  if (typeof value === 'object' && buffer?.type === 'Buffer' && Array.isArray(buffer.data)) {
    return { $bytes: Buffer.from(buffer.data as number[]).toString('base64') };
  }
  return value;
}

function unpacked(value: unknown): unknown {
  const special = value as { $int?: unknown; $bytes?: unknown } | null;
  if (typeof value !== 'object' || special === null) {
    return value;
  }
  if (typeof special.$int === 'string') {
    return BigInt(special.$int);
  }
  return typeof special.$bytes === 'string' ? Buffer.from(special.$bytes, 'base64') : value;
}
