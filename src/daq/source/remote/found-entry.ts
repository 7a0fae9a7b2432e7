/** An entry as `find` told of it. */
export interface FoundEntry {
  /** 0: one that was asked about; 1: one that lies in it. */
  depth: number;
  /** `f`, `d`, `l`, or another letter for what is no data. */
  type: string;
  device: bigint;
  inode: bigint;
  sizeBytes: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  /** Relative to the tree's directory; empty for that itself. */
  path: Buffer;
}

const FACTS = /^(\d+) (.) (\d+) (\d+) (\d+) (-?\d+\.\d+) (-?\d+\.\d+) ([^]*)$/;

/** Undefined for what `find` did not write. */
export function parseEntry(record: Buffer): FoundEntry | undefined {
  const found = FACTS.exec(record.toString('latin1'));
  if (found === null) {
    return undefined;
  }
  const [, depth = '', type = '', device = '', inode = '', size = '', mtime = '', ctime = '', path = ''] = found;
  return {
    depth: Number(depth),
    type,
    device: BigInt(device),
    inode: BigInt(inode),
    sizeBytes: BigInt(size),
    mtimeNs: nanosecondsOf(mtime),
    ctimeNs: nanosecondsOf(ctime),
    path: fromStart(path),
  };
}

/** `find` counts from the whole second before: -2.5 is one and a half seconds before 1970. */
export function nanosecondsOf(text: string): bigint {
  const [seconds = '0', fraction = ''] = text.trim().split('.');
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
}

/** The other way round, as `find` writes it. */
export function secondsOf(timeNs: bigint): string {
  const fraction = ((timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return `${(timeNs - fraction) / 1_000_000_000n}.${String(fraction).padStart(9, '0')}0`;
}

/** A path as it is given to `find`: one that begins with a dash is no option. */
export function startOf(path: Uint8Array): Buffer {
  return path.length === 0 ? Buffer.from('.') : Buffer.concat([Buffer.from('./'), path]);
}

/** What `find` complained of, by path (one character per byte): the code of the file system. */
export function complaintsOf(text: string, codeOf: (text: string) => string | undefined): Map<string, string> {
  const codes = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, quoted, said] = /^find: ['`]((?:[^'\\]|\\.)*)': (.+)$/.exec(line) ?? [];
    if (quoted !== undefined && said !== undefined) {
      codes.set(fromStart(unquoted(quoted)).toString('latin1'), codeOf(said) ?? 'UNKNOWN');
    }
  }
  return codes;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** In the C locale GNU programs quote names as C does, with three octal digits for what cannot be printed. */
function unquoted(text: string): string {
  return text.replace(/\\(?:([0-7]{3})|(.))/g, (_, octal: string | undefined, letter: string | undefined) =>
    octal === undefined ? (ESCAPES[letter ?? ''] ?? letter ?? '') : String.fromCharCode(parseInt(octal, 8)),
  );
}

function fromStart(path: string): Buffer {
  return Buffer.from(path === '.' ? '' : path.replace(/^\.\//, ''), 'latin1');
}
