import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { driverCode, StationError } from '../../kernel/errors.js';
import { isBelowOrSame } from '../../kernel/path-bytes.js';
import { pathToText } from '../../kernel/path-text.js';
import { CONFIG, type StationConfig } from '../../platform/config/index.js';
import { StorageArea } from '../../storage/index.js';
import { isEmptyDirectory } from '../runner/source-presence.js';
import type { Acquisition, AcquisitionKind, Finding } from './acquisition.js';
import { SourceRoots } from './source-roots.js';

export interface PreflightRequest {
  kind: AcquisitionKind;
  sourceDirectory: Buffer;
  destinationDirectory: Buffer;
  experimentId: number;
  isJobResult: boolean;
  /** Acquisitions that are not over. */
  active: readonly Acquisition[];
}

export interface Preflight {
  /** With links resolved; as given while it is missing. */
  sourceDirectory: Buffer;
  isMissing: boolean;
  findings: Finding[];
}

/** What is looked at before an acquisition is said to have started, so that none runs idle on a mistyped path. */
@Injectable()
export class PreflightCheck {
  constructor(
    @Inject(CONFIG) private readonly config: StationConfig,
    private readonly roots: SourceRoots,
    private readonly area: StorageArea,
  ) {}

  /** @throws StationError that refuses the start, with what to do about it; lesser findings are in the answer. */
  async run(request: PreflightRequest): Promise<Preflight> {
    const text = pathToText(request.sourceDirectory);
    const resolved = await this.resolve(request, text);
    const directory = resolved ?? request.sourceDirectory;
    await this.requireAllowed(request, directory, resolved === undefined, text);
    const findings: Finding[] = [];
    if (resolved === undefined) {
      findings.push({
        code: 'SOURCE_MISSING',
        message: `${text} does not exist yet. The monitor waits and starts when it appears; check the spelling if it should be there.`,
      });
    } else if (await this.isEmpty(resolved, text)) {
      findings.push({ code: 'SOURCE_EMPTY', message: `${text} is empty: nothing to take so far.` });
    }
    await this.area.requireSpace(0);
    findings.push(...overlaps(request, directory));
    return { sourceDirectory: directory, isMissing: resolved === undefined, findings };
  }

  /** For a directory that is read later and may not be there yet. @throws StationError SOURCE_* */
  async requireUsable(directory: Buffer, text: string): Promise<void> {
    const request = { kind: 'monitor', sourceDirectory: directory, isJobResult: false } as const;
    const resolved = await this.resolve(request, text);
    await this.requireAllowed(request, resolved ?? directory, resolved === undefined, text);
  }

  private async resolve(
    request: Pick<PreflightRequest, 'kind' | 'sourceDirectory'>,
    text: string,
  ): Promise<Buffer | undefined> {
    try {
      const resolved = await realpath(request.sourceDirectory, 'buffer');
      if (!(await stat(resolved)).isDirectory()) {
        throw new StationError(
          'invalid',
          'SOURCE_NOT_A_DIRECTORY',
          `${text} is not a directory. Name the directory that holds the files.`,
        );
      }
      await access(resolved, constants.R_OK | constants.X_OK);
      return resolved;
    } catch (error) {
      if (error instanceof StationError) {
        throw error;
      }
      if (driverCode(error) !== 'ENOENT') {
        throw new StationError(
          'invalid',
          'SOURCE_UNREADABLE',
          `The station cannot read ${text} (${driverCode(error) ?? 'unknown'}). Give its account permission to read the directory.`,
          { cause: error },
        );
      }
      if (request.kind === 'upload') {
        throw new StationError(
          'invalid',
          'SOURCE_MISSING',
          `${text} does not exist on the station's machine. Check the spelling and the mount.`,
        );
      }
      return undefined;
    }
  }

  private async requireAllowed(
    request: Pick<PreflightRequest, 'isJobResult'>,
    directory: Buffer,
    isMissing: boolean,
    text: string,
  ): Promise<void> {
    const storage = await realpath(this.config.storage.root, 'buffer');
    if (isBelowOrSame(directory, storage) || isBelowOrSame(storage, directory)) {
      throw new StationError(
        'invalid',
        'SOURCE_IN_STORAGE',
        `${text} overlaps the storage area ${this.config.storage.root}: files would be copied onto themselves. Choose the detector's directory.`,
      );
    }
    const isAllowed =
      // Results of a job: processing names the job's own directory, no person chose it.
      request.isJobResult || (isMissing ? await this.nearestAllowed(directory) : await this.roots.allows(directory));
    if (!isAllowed) {
      throw new StationError(
        'forbidden',
        'SOURCE_OUTSIDE_ROOTS',
        `${text} is not below a configured source root (${this.roots.configured().join(', ') || 'none is configured'}). Ask the station manager to add it to daq.sourceRoots.`,
        {
          details: { sourceRoots: this.roots.configured() },
        },
      );
    }
  }

  /** For a path that does not exist yet: the nearest directory above it that does must be allowed. */
  private async nearestAllowed(path: Buffer): Promise<boolean> {
    for (let at = path; at.length > 1; at = at.subarray(0, Math.max(1, at.lastIndexOf(0x2f)))) {
      try {
        const real = await realpath(at, 'buffer');
        const rest = path.subarray(at.length);
        return await this.roots.allows(Buffer.concat([real, rest]));
      } catch (error) {
        if (driverCode(error) !== 'ENOENT') {
          return false;
        }
      }
    }
    return false;
  }

  private async isEmpty(directory: Buffer, text: string): Promise<boolean> {
    try {
      return await isEmptyDirectory(directory);
    } catch (error) {
      throw new StationError(
        'invalid',
        'SOURCE_UNREADABLE',
        `The station cannot list ${text} (${driverCode(error) ?? 'unknown'}).`,
        { cause: error },
      );
    }
  }
}

/** The same source and destination twice is refused; trees that share files are only warned about. */
function overlaps(request: PreflightRequest, directory: Buffer): Finding[] {
  const findings: Finding[] = [];
  for (const other of request.active) {
    const isSameDestination =
      other.experimentId === request.experimentId && other.destinationDirectory.equals(request.destinationDirectory);
    const isSameSource =
      other.sourceDirectory.equals(directory) || other.sourceDirectory.equals(request.sourceDirectory);
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
function overlapMessage(request: PreflightRequest, other: Acquisition): string {
  const who =
    other.experimentId === request.experimentId
      ? `Acquisition ${other.id} (${other.kind}, ${other.status}) takes files from ${pathToText(other.sourceDirectory)}`
      : 'An acquisition of another experiment takes files from a directory';
  return `${who} that overlaps with this one: files in both go to both destinations.`;
}
