import { describe, expect, it } from 'vitest';
import type { AuditedRow } from '../audited-rows.js';
import type { FileLook } from '../inspection/look.js';
import { compareContent, compareCopy, isSameTime } from './compare-copy.js';

const row = {
  id: '1',
  path: Buffer.from('data/a'),
  version: 1,
  isNewest: true,
  md5Sum: 'm',
  sizeBytes: 5n,
  mtimeNs: 1_700_000_000_123_456_789n,
  replica: {
    location: Buffer.from('data/a'),
    md5Sum: 'm',
    sizeBytes: 5n,
    proof: 'read-back',
    verifiedAt: new Date(0),
    trouble: null,
  },
} as unknown as AuditedRow;
const facts = { device: 1n, inode: 1n, mode: 0o640, uid: 0, gid: 0 };
const look: FileLook = { kind: 'file', sizeBytes: 5n, mtimeNs: row.mtimeNs, ...facts };
const kindOf = (verdict: ReturnType<typeof compareCopy>) =>
  verdict.kind === 'bad' ? verdict.finding.kind : verdict.kind;

describe('compareCopy', () => {
  it('finds good what has its size and time', () => {
    expect(compareCopy(row, look)).toEqual({ kind: 'good' });
  });

  it.each([
    ['missing', { kind: 'gone' }],
    ['changed', { kind: 'other', what: 'a symbolic link' }],
    ['changed', { ...look, sizeBytes: 4n }],
    ['unreadable', { kind: 'unreadable', code: 'EIO' }],
    ['suspect', { ...look, mtimeNs: row.mtimeNs + 1_000_000n }],
  ] as const)('says %s of %o', (kind, found) => {
    expect(kindOf(compareCopy(row, found))).toBe(kind);
  });

  it('wants the content of a copy that was in trouble before, whatever it looks like', () => {
    const troubled = { ...row, replica: { ...row.replica, trouble: 'damaged' } } as AuditedRow;
    expect(kindOf(compareCopy(troubled, look))).toBe('suspect');
  });

  it('says that a copy is missing when none is recorded', () => {
    expect(kindOf(compareCopy({ ...row, replica: undefined }, look))).toBe('missing');
  });
});

describe('compareContent', () => {
  it('believes the digest alone, and nothing when there is none to compare with', () => {
    const read = (md5Sum: string) => ({ kind: 'read', md5Sum, sha256Sum: null, sizeBytes: 5n }) as const;
    expect(kindOf(compareContent(row, read('m')))).toBe('good');
    expect(kindOf(compareContent(row, read('other')))).toBe('changed');
    const unknown = { ...row, md5Sum: null, replica: { ...row.replica, md5Sum: null } } as AuditedRow;
    expect(kindOf(compareContent(unknown, read('m')))).toBe('suspect');
  });
});

describe('isSameTime', () => {
  const time = 1_700_000_000_123_456_789n;
  it('allows for what a file system can write down, and for no more', () => {
    expect(isSameTime(time, time)).toBe(true);
    expect(isSameTime(1_700_000_000_123_456_512n, time)).toBe(true);
    expect(isSameTime(1_700_000_000_123_000_000n, time)).toBe(true);
    expect(isSameTime(1_700_000_000_000_000_000n, time)).toBe(true);
    expect(isSameTime(1_700_000_003_000_000_000n, time)).toBe(false);
    expect(isSameTime(time + 20_000n, time)).toBe(false);
  });
});
