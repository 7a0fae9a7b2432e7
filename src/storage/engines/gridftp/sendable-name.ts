import { type Fault, faultOfCode } from '../../copy-faults.js';

/**
 * The Globus server drops every byte of a command that is not printable ASCII and goes on with what is left, which is
 * another name. So nothing else may ever be sent.
 */
export function isSendable(path: Uint8Array): boolean {
  return path.every((byte) => byte >= 0x20 && byte <= 0x7e);
}

export function notSendable(): Fault {
  return {
    ...faultOfCode(
      'NAME_NOT_SENDABLE',
      'GridFTP carries names of printable ASCII only, and this one has other characters. Rename the file, or let another engine bring it.',
    ),
    kind: 'permanent',
  };
}

/** For a URL: everything but letters and digits is escaped. */
export function urlPath(path: Uint8Array): string {
  return Buffer.from(path)
    .toString('latin1')
    .replace(/[^A-Za-z0-9/._-]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
