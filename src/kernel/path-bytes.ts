/** Paths as bytes: what is joined, compared and kept is what the disk holds, never a decoded text. */
const SLASH = 0x2f;
const DOT = 0x2e;
const SEPARATOR = Buffer.of(SLASH);

export function joinBytes(directory: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const pieces: Uint8Array[] = [directory];
  let endsWithSlash = directory.at(-1) === SLASH;
  let isEmpty = directory.length === 0;
  for (const part of parts) {
    if (part.length === 0) {
      continue;
    }
    if (!isEmpty && !endsWithSlash) {
      pieces.push(SEPARATOR);
    }
    pieces.push(part);
    endsWithSlash = part.at(-1) === SLASH;
    isEmpty = false;
  }
  return Buffer.concat(pieces);
}

export function directoryOf(path: Uint8Array): Buffer {
  const at = path.lastIndexOf(SLASH);
  return Buffer.from(at <= 0 ? (at === 0 ? SEPARATOR : Buffer.alloc(0)) : path.subarray(0, at));
}

export function nameOf(path: Uint8Array): Buffer {
  return Buffer.from(path.subarray(path.lastIndexOf(SLASH) + 1));
}

/** Directory and name of a path, as {@link directoryOf} and {@link nameOf} give them, but as views of its own memory. */
export function splitPath(path: Uint8Array): [directory: Buffer, name: Buffer] {
  const bytes = Buffer.from(path.buffer, path.byteOffset, path.byteLength);
  const at = bytes.lastIndexOf(SLASH);
  return [bytes.subarray(0, at === 0 ? 1 : Math.max(at, 0)), bytes.subarray(at + 1)];
}

/** The part of `path` below `directory`, which must hold it. */
export function relativeTo(path: Uint8Array, directory: Uint8Array): Buffer {
  const skip = directory.at(-1) === SLASH ? directory.length : directory.length + 1;
  return Buffer.from(path.subarray(skip));
}

export function isBelowOrSame(path: Uint8Array, directory: Uint8Array): boolean {
  const base = directory.length > 1 && directory.at(-1) === SLASH ? directory.subarray(0, -1) : directory;
  if (path.length < base.length || !Buffer.from(path.subarray(0, base.length)).equals(base)) {
    return false;
  }
  return path.length === base.length || path[base.length] === SLASH || base.at(-1) === SLASH;
}

/** Whether any component is empty, `.` or `..`, or the path is absolute: such a path could leave its directory. */
export function isPlainRelative(path: Uint8Array): boolean {
  let start = 0;
  for (let at = 0; at <= path.length; at += 1) {
    if (at < path.length && path[at] !== SLASH) {
      continue;
    }
    const length = at - start;
    const isDots = (length === 1 || length === 2) && path.subarray(start, at).every((byte) => byte === DOT);
    if (length === 0 || isDots) {
      return false;
    }
    start = at + 1;
  }
  return !path.includes(0);
}
