import type { FileFormat } from '../metadata-readers.port.js';

/** What the station asks of its reader process; one at a time. */
export type ReaderRequest =
  { kind: 'detect'; path: Buffer | string; name: string } | { kind: 'read'; path: Buffer | string; format: FileFormat };

/** What the reader process answers. */
export type ReaderReply =
  | { kind: 'detected'; format: FileFormat | null; complaint: string | null }
  | {
      kind: 'read';
      /** The tree as JSON text, which crosses the border between processes faster than objects. */
      raw: string | null;
      complaint: string | null;
      /** The process has suffered and should be replaced before it reads another file. */
      isWorn: boolean;
    };

/** Once, when all is loaded. */
export interface ReaderReady {
  kind: 'ready';
}

export type FromReader = ReaderReady | ReaderReply;
