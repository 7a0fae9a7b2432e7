const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * One line as `md5sum` and `sha256sum` write and check it: digest, two spaces, the name's own bytes. A name with a
 * backslash, a line feed or a carriage return is escaped, and a backslash before the digest says so. Any other byte stays
 * as it is, valid UTF-8 or not.
 */
export function checksumLine(digest: string, name: Uint8Array): Buffer {
  const escaped = escapeName(name);
  const isEscaped = escaped.length !== name.length;
  return Buffer.concat([Buffer.from(`${isEscaped ? '\\' : ''}${digest}  `), escaped, Buffer.of(LINE_FEED)]);
}

/** A line that the checking programs leave out. `text` is a single line. */
export function commentLine(text: string): Buffer {
  return Buffer.from(`# ${text}\n`);
}

function escapeName(name: Uint8Array): Uint8Array {
  if (!name.includes(BACKSLASH) && !name.includes(LINE_FEED) && !name.includes(CARRIAGE_RETURN)) {
    return name;
  }
  return Buffer.concat(Array.from(name, (byte) => ESCAPES.get(byte) ?? Buffer.of(byte)));
}

const ESCAPES = new Map([
  [BACKSLASH, Buffer.from('\\\\')],
  [LINE_FEED, Buffer.from('\\n')],
  [CARRIAGE_RETURN, Buffer.from('\\r')],
]);
