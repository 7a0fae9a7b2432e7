import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import { isPlainRelative } from '../../kernel/path-bytes.js';
import { pathToText } from '../../kernel/path-text.js';
import { parseSourceAddress, RemoteHosts } from '../../storage/index.js';
import type { SourceLocation } from '../source/source-tree.port.js';
import { pathFromText } from './destination.js';

const SLASH = 0x2f;

/** Data directories as people write them: `/path`, `@alias`, `@alias:/path`, `@host:/path`. */
@Injectable()
export class SourceAddresses {
  constructor(private readonly hosts: RemoteHosts) {}

  /** @throws StationError SOURCE_ADDRESS_INVALID, SOURCE_NOT_ABSOLUTE, HOST_UNKNOWN, HOST_AMBIGUOUS, HOST_WITHOUT_DIRECTORY */
  locate(text: string): SourceLocation {
    const { host, path } = parseSourceAddress(text);
    if (host === null) {
      return { host, directory: absolute(pathFromText(text), text) };
    }
    const alias = this.hosts.aliasOf(host);
    const directory = path ?? this.hosts.get(alias).directory;
    if (directory === undefined) {
      throw new StationError(
        'invalid',
        'HOST_WITHOUT_DIRECTORY',
        `@${alias} names no directory. Write @${alias}:/path, or let the station manager set storage.hosts.${alias}.directory.`,
      );
    }
    return { host: alias, directory: absolute(pathFromText(directory), text) };
  }
}

/** Where an acquisition's files lie, from what its record says. */
export function locationOf(of: { sourceHost: string; sourceDirectory: Buffer }): SourceLocation {
  return { host: hostOf(of.sourceHost), directory: of.sourceDirectory };
}

/** Null for the station's own machine, as the records name it. */
export function hostOf(sourceHost: string): string | null {
  return sourceHost === hostname() ? null : sourceHost;
}

/** As people write it; read back by {@link SourceAddresses}. */
export function addressText({ host, directory }: SourceLocation): string {
  return host === null ? pathToText(directory) : `@${host}:${pathToText(directory)}`;
}

/** A plain absolute path: with `..` in it, a part that does not exist yet could later lead anywhere. */
function absolute(path: Buffer, text: string): Buffer {
  const end = path.findLastIndex((byte) => byte !== SLASH) + 1;
  const plain = path.subarray(0, end);
  if (path[0] !== SLASH || !isPlainRelative(plain.subarray(1))) {
    throw new StationError(
      'invalid',
      'SOURCE_NOT_ABSOLUTE',
      `dataDirectory ${text} must be a plain absolute path without "." or "..", on the station's machine or as @host:/path.`,
    );
  }
  return plain;
}
