import { pathToText } from '../../../kernel/path-text.js';
import { type AuditedRow, placeOf } from '../audited-rows.js';
import type { NewFinding } from '../finding.js';
import type { DigestAnswer } from '../inspection/digest.js';
import type { FileLook, Look } from '../inspection/look.js';

export type CopyVerdict =
  | { kind: 'good' }
  /** Nothing but its content can tell. */
  | { kind: 'suspect' }
  | { kind: 'bad'; finding: NewFinding };

/** What a look at a copy says, by presence, size and time. */
export function compareCopy(row: AuditedRow, look: Look): CopyVerdict {
  const { replica } = row;
  if (replica === undefined) {
    return bad(row, 'missing', 'The file is done, but no copy in the storage area is recorded.', {});
  }
  switch (look.kind) {
    case 'gone':
      return bad(row, 'missing', 'No file is where the copy was.', {});
    case 'other':
      return bad(row, 'changed', `Where the copy was is now ${look.what}.`, { type: look.what });
    case 'unreadable':
      return bad(row, 'unreadable', `The copy cannot be looked at (${look.code}).`, { error: look.code });
    case 'file':
      if (look.sizeBytes !== replica.sizeBytes) {
        return bad(row, 'changed', `It has ${look.sizeBytes} bytes instead of ${replica.sizeBytes}.`, factsOf(look));
      }
      return replica.trouble !== null || !isSameTime(look.mtimeNs, row.mtimeNs)
        ? { kind: 'suspect' }
        : { kind: 'good' };
  }
}

/** What the content of a copy says. */
export function compareContent(row: AuditedRow, answer: DigestAnswer): CopyVerdict {
  const expected = row.replica?.md5Sum ?? row.md5Sum;
  switch (answer.kind) {
    case 'gone':
      return bad(row, 'missing', 'No file is where the copy was.', {});
    case 'unreadable':
      return bad(row, 'unreadable', `The copy cannot be read (${answer.code}).`, { error: answer.code });
    case 'cancelled':
      return { kind: 'suspect' };
    case 'read':
      if (expected === null) {
        return { kind: 'suspect' };
      }
      return answer.md5Sum === expected
        ? { kind: 'good' }
        : bad(row, 'changed', 'It holds other bytes than were recorded.', {
            md5Sum: answer.md5Sum,
            sizeBytes: String(answer.sizeBytes),
          });
  }
}

function bad(
  row: AuditedRow,
  kind: 'missing' | 'changed' | 'unreadable',
  what: string,
  found: Record<string, string | number | null>,
): CopyVerdict {
  return {
    kind: 'bad',
    finding: {
      kind,
      path: placeOf(row),
      version: row.version,
      ledgerId: row.id,
      what,
      evidence: {
        expected: {
          md5Sum: row.md5Sum,
          sizeBytes: String(row.replica?.sizeBytes ?? row.sizeBytes),
          mtimeNs: String(row.mtimeNs),
        },
        found,
        file: pathToText(row.path),
        proof: row.replica?.proof ?? null,
        verifiedAt: row.replica?.verifiedAt.toISOString() ?? null,
      },
    },
  };
}

export function factsOf(look: FileLook): Record<string, string | number | null> {
  return { sizeBytes: String(look.sizeBytes), mtimeNs: String(look.mtimeNs) };
}

const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;
/** Times are handed over as floating-point seconds, which hold less than nanoseconds today. */
const ROUNDING_NS = 10_000n;

/** Whether a copy has kept the time of its source, as exactly as its file system writes times down. */
export function isSameTime(found: bigint, expected: bigint): boolean {
  const apart = found > expected ? found - expected : expected - found;
  const grain = found % SECOND === 0n ? 2n * SECOND : found % MILLISECOND === 0n ? MILLISECOND : ROUNDING_NS;
  return apart <= grain;
}
