import { StationError } from '../../kernel/errors.js';

/** A data directory as people name it: on the station's machine (`host` null), or on a configured host. */
export interface SourceAddress {
  /** Alias or address, as written. */
  host: string | null;
  /** Text form of the path; null: the directory that the host's configuration names. */
  path: string | null;
}

/**
 * Reads `/path`, `@alias`, `@alias:/path` and `@host:/path`. A path on this machine never begins with `@`, since it is
 * absolute.
 *
 * @throws StationError SOURCE_ADDRESS_INVALID
 */
export function parseSourceAddress(text: string): SourceAddress {
  if (!text.startsWith('@')) {
    return { host: null, path: text };
  }
  const [, host, path] = /^@([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::([^]*))?$/.exec(text) ?? [];
  if (host === undefined || path === '') {
    throw new StationError(
      'invalid',
      'SOURCE_ADDRESS_INVALID',
      `${text} is no data directory on another machine. Write @alias, @alias:/path or @host:/path.`,
    );
  }
  return { host: host.replace(/^\[|\]$/g, ''), path: path ?? null };
}
