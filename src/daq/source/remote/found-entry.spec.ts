import { describe, expect, it } from 'vitest';
import { codeOfText } from '../../../storage/index.js';
import { complaintsOf, nanosecondsOf, parseEntry, secondsOf, startOf } from './found-entry.js';

describe(parseEntry.name, () => {
  it('reads what find writes, the name as bytes', () => {
    const record = Buffer.concat([
      Buffer.from('1 f 2049 18446744073709551615 9007199254740993 1700000000.1234567890 1700000001.0000000000 ./a/'),
      Buffer.from([0xff, 0x0a, 0x20, 0x27]),
    ]);
    expect(parseEntry(record)).toEqual({
      depth: 1,
      type: 'f',
      device: 2049n,
      inode: 18446744073709551615n,
      sizeBytes: 9007199254740993n,
      mtimeNs: 1700000000123456789n,
      ctimeNs: 1700000001000000000n,
      path: Buffer.from([0x61, 0x2f, 0xff, 0x0a, 0x20, 0x27]),
    });
  });

  it('knows the directory itself, and a file that is called like it', () => {
    const pathOf = (start: string) => parseEntry(Buffer.from(`0 d 1 2 3 4.0 5.0 ${start}`))?.path.toString();
    expect(pathOf('.')).toBe('');
    expect(pathOf('./.')).toBe('.');
    expect(startOf(Buffer.alloc(0)).toString()).toBe('.');
    expect(startOf(Buffer.from('-rf')).toString()).toBe('./-rf');
  });

  it('takes nothing else for an entry', () => {
    expect(parseEntry(Buffer.from('there'))).toBeUndefined();
  });
});

describe(nanosecondsOf.name, () => {
  it.each([
    ['0.0000000000', 0n],
    ['1700000000.1234567890', 1700000000123456789n],
    ['-2.5000000000', -1_500_000_000n],
    ['-1.5000000000', -500_000_000n],
  ])('is %s there and back', (text, timeNs) => {
    expect(nanosecondsOf(text)).toBe(timeNs);
    expect(secondsOf(timeNs)).toBe(text);
  });
});

describe(complaintsOf.name, () => {
  it('reads names as GNU programs quote them, and leaves other lines alone', () => {
    const text = [
      "find: './q\\n\\'\\377 x': Permission denied",
      "find: '.': Input/output error",
      "find: './odd: No such file': something new",
      'mux_client_request_session: session request failed',
    ].join('\n');
    expect([...complaintsOf(text, codeOfText)]).toEqual([
      ["q\n'\xff x", 'EACCES'],
      ['', 'EIO'],
      ['odd: No such file', 'UNKNOWN'],
    ]);
  });
});
