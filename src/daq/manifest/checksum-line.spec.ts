import { describe, expect, it } from 'vitest';
import { checksumLine, commentLine } from './checksum-line.js';

const line = (name: string | Buffer) => checksumLine('d', Buffer.from(name)).toString('latin1');

describe('checksumLine', () => {
  it('leaves a name as it is, whatever its bytes', () => {
    expect(line('data/a b.h5')).toBe('d  data/a b.h5\n');
    expect(line(Buffer.of(0xff, 0x2a, 0x20))).toBe('d  \xff* \n');
  });

  it('escapes backslash, line feed and carriage return, and says so with a backslash in front', () => {
    expect(line('a\\b\nc\rd')).toBe('\\d  a\\\\b\\nc\\rd\n');
  });
});

describe('commentLine', () => {
  it('is what checking programs leave out', () => {
    expect(commentLine('x').toString()).toBe('# x\n');
  });
});
