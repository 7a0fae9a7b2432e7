import { Inject, Injectable } from '@nestjs/common';
import { StationError } from '../../kernel/errors.js';
import { isBelowOrSame } from '../../kernel/path-bytes.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { StorageArea } from '../../storage/index.js';
import {
  type AbsenceCode,
  type FileSystem,
  SOURCE_TREES,
  type SourceLocation,
  type SourceTrees,
} from '../source/source-tree.port.js';
import type { Acquisition, AcquisitionKind, Finding } from './acquisition.js';
import { addressText, hostOf, locationOf } from './source-addresses.js';
import { SourceRoots } from './source-roots.js';

export interface PreflightRequest {
  kind: AcquisitionKind;
  source: SourceLocation;
  isJobResult: boolean;
}

export interface Preflight {
  /** With links resolved; as given while it is missing. */
  sourceDirectory: Buffer;
  isMissing: boolean;
  /** Null while it is missing. */
  fileSystem: FileSystem | null;
  /** What the clock of the source says, in ns; null where it cannot be asked. */
  clockNs: bigint | null;
  findings: Finding[];
}

/** What another acquisition that is not over means for a new one. */
export interface OverlapRequest {
  /** As it was asked for, and with links resolved. */
  asked: SourceLocation;
  directory: Buffer;
  destinationDirectory: Buffer;
  experimentId: number;
  active: readonly Acquisition[];
}

/** What is looked at before an acquisition is said to have started, so that none runs idle on a mistyped path. */
@Injectable()
export class PreflightCheck {
  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly roots: SourceRoots,
    private readonly area: StorageArea,
    @Inject(SOURCE_TREES) private readonly sources: SourceTrees,
  ) {}

  /**
   * Looks at the disks, which may take as long as a file system lets one wait: never within a transaction.
   *
   * @throws StationError that refuses the start, with what to do about it; lesser findings are in the answer.
   */
  async run(request: PreflightRequest): Promise<Preflight> {
    const verdict = await this.source(request);
    await this.area.requireSpace(0);
    return verdict;
  }

  /** For a directory that is read later and may not be there yet. @throws StationError SOURCE_* */
  async requireUsable(source: SourceLocation): Promise<void> {
    await this.source({ kind: 'monitor', source, isJobResult: false });
  }

  private async source({ kind, source, isJobResult }: PreflightRequest): Promise<Preflight> {
    const text = addressText(source);
    const tree = this.sources.visit({ location: source, isJobResult });
    const presence = await tree.presence(null);
    if (!presence.isThere) {
      if (presence.code !== 'missing' || kind === 'upload') {
        throw this.refusal(presence.code, presence.reason, source);
      }
      return {
        sourceDirectory: source.directory,
        isMissing: true,
        fileSystem: null,
        clockNs: null,
        findings: [missing(text)],
      };
    }
    const { directory, isEmpty, fileSystem } = presence;
    return {
      sourceDirectory: directory,
      isMissing: false,
      fileSystem,
      clockNs: kind === 'monitor' ? ((await tree.clock()) ?? null) : null,
      findings: [
        ...(isEmpty ? [{ code: 'SOURCE_EMPTY', message: `${text} is empty: nothing to take so far.` }] : []),
        ...(kind === 'monitor' && fileSystem.isShared ? [this.withoutEvents(source, fileSystem)] : []),
      ],
    };
  }

  private withoutEvents(source: SourceLocation, { type }: FileSystem): Finding {
    const { rescanSeconds, sweepSeconds } = this.config.daq;
    const where = source.host === null ? `on a shared file system (${type})` : 'on another machine';
    return {
      code: 'SOURCE_WITHOUT_EVENTS',
      message: `${addressText(source)} lies ${where}, which tells of no file that is written there: new files are found by the rescan every ${rescanSeconds} s, files rewritten in place within ${sweepSeconds} s.`,
    };
  }

  private refusal(code: AbsenceCode, reason: string, source: SourceLocation): StationError {
    const text = addressText(source);
    const { host } = source;
    switch (code) {
      case 'missing':
        return new StationError(
          'invalid',
          'SOURCE_MISSING',
          `${text} does not exist${host === null ? " on the station's machine" : ''}. Check the spelling and the mount.`,
        );
      case 'not-a-directory':
        return new StationError(
          'invalid',
          'SOURCE_NOT_A_DIRECTORY',
          `${text} is not a directory. Name the directory that holds the files.`,
        );
      case 'in-storage':
        return new StationError(
          'invalid',
          'SOURCE_IN_STORAGE',
          `${text} overlaps the storage area ${this.config.storage.root}: files would be copied onto themselves. Choose the detector's directory.`,
        );
      case 'outside-roots':
        return this.outside(text, host);
      case 'unreachable':
        return new StationError(
          'unavailable',
          'SOURCE_HOST_UNREACHABLE',
          `${text} cannot be looked at: ${reason}. Check that the host is on and lets the station in, then start again.`,
        );
      case 'no-answer':
        return new StationError(
          'unavailable',
          'SOURCE_NO_ANSWER',
          `The file system of ${text} hangs: ${reason}. Check the mount and its server, then start again.`,
        );
      case 'unreadable':
      case 'not-mounted':
        return new StationError(
          'invalid',
          'SOURCE_UNREADABLE',
          `The station cannot use ${text}: ${reason}. Give its account permission to read the directory.`,
        );
    }
  }

  private outside(text: string, host: string | null): StationError {
    const sourceRoots = host === null ? this.roots.configured() : this.roots.configuredOn(host);
    const setting = host === null ? 'daq.sourceRoots' : `storage.hosts.${host}.sourceRoots`;
    return new StationError(
      'forbidden',
      'SOURCE_OUTSIDE_ROOTS',
      `${text} is not below a configured source root (${sourceRoots.join(', ') || 'none is configured'}). Ask the station manager to add it to ${setting}.`,
      { details: { sourceRoots } },
    );
  }
}

function missing(text: string): Finding {
  return {
    code: 'SOURCE_MISSING',
    message: `${text} does not exist yet. The monitor waits and starts when it appears; check the spelling if it should be there.`,
  };
}

/**
 * The same source and destination twice is refused; trees that share files are only warned about.
 *
 * @throws StationError ACQUISITION_EXISTS
 */
export function overlaps(request: OverlapRequest): Finding[] {
  const { directory } = request;
  const findings: Finding[] = [];
  const sameHost = request.active.filter((other) => hostOf(other.sourceHost) === request.asked.host);
  for (const other of sameHost) {
    const isSameDestination =
      other.experimentId === request.experimentId && other.destinationDirectory.equals(request.destinationDirectory);
    const isSameSource =
      other.sourceDirectory.equals(directory) || other.sourceDirectory.equals(request.asked.directory);
    if (isSameSource && isSameDestination) {
      throw new StationError(
        'conflict',
        'ACQUISITION_EXISTS',
        `Acquisition ${other.id} (${other.kind}, ${other.status}) already takes this directory to the same destination. Look at it, or stop it first.`,
        {
          details: { acquisitionId: other.id },
        },
      );
    }
    if (isBelowOrSame(other.sourceDirectory, directory) || isBelowOrSame(directory, other.sourceDirectory)) {
      findings.push({ code: 'SOURCE_OVERLAPS', message: overlapMessage(request, other) });
    }
  }
  return findings;
}

/** Acquisitions of other experiments are not named: members of this one may not know of them. */
function overlapMessage(request: OverlapRequest, other: Acquisition): string {
  const who =
    other.experimentId === request.experimentId
      ? `Acquisition ${other.id} (${other.kind}, ${other.status}) takes files from ${addressText(locationOf(other))}`
      : 'An acquisition of another experiment takes files from a directory';
  return `${who} that overlaps with this one: files in both go to both destinations.`;
}
