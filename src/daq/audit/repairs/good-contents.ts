import { realpath } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import { pathToText } from '../../../kernel/path-text.js';
import { type FileIdentity, isVerified, PRIMARY, Destinations, ReplicaRepository } from '../../../storage/index.js';
import { SourceRoots } from '../../acquisitions/source-roots.js';
import { type AuditedRow, AuditedRows } from '../audited-rows.js';
import { Inspector } from '../inspection/inspector.js';
import { AuditInterrupted } from '../phases/copy-inspection.js';

/** A file that was just read and holds the content of a version. */
export interface GoodContent {
  path: Buffer;
  identity: FileIdentity;
  /** It must really lie below one of these, links resolved. */
  roots: Buffer[];
  /** For people. */
  what: string;
}

/** Where the content of a version still is: another verified copy, the source, another source. */
@Injectable()
export class GoodContents {
  private readonly host = hostname();

  constructor(
    private readonly rows: AuditedRows,
    private readonly replicas: ReplicaRepository,
    private readonly destinations: Destinations,
    private readonly sourceRoots: SourceRoots,
    private readonly inspector: Inspector,
  ) {}

  /** The first that was read and agrees; undefined when there is none on this machine. */
  async find(row: AuditedRow, experimentDirectory: Buffer): Promise<GoodContent | undefined> {
    for await (const candidate of this.candidates(row, experimentDirectory)) {
      const identity = await this.identityIfGood(row, candidate.path);
      if (identity !== undefined) {
        return { ...candidate, identity };
      }
    }
    return undefined;
  }

  private async *candidates(
    row: AuditedRow,
    experimentDirectory: Buffer,
  ): AsyncGenerator<Omit<GoodContent, 'identity'>> {
    for (const replica of await this.replicas.of([row.id])) {
      const { destination, location } = replica;
      const known = this.destinations.all().find(({ name }) => name === destination);
      if (destination !== PRIMARY && isVerified(replica.proof) && replica.trouble === null && known?.kind === 'local') {
        const path = this.destinations.locate(destination, experimentDirectory, location);
        const roots = await resolved(known.directoryOf(experimentDirectory));
        yield { path, roots, what: `the copy at ${destination}` };
      }
    }
    if (row.sourceHost === this.host) {
      const roots = await this.rootsOf(row.jobId === null ? null : row.sourceDirectory);
      yield { path: row.sourcePath, roots, what: `the source ${pathToText(row.sourcePath)}` };
    }
    for (const { sourcePath, sourceDirectory, jobId } of await this.rows.otherSources(row.id, this.host)) {
      const roots = await this.rootsOf(jobId === null ? null : sourceDirectory);
      yield { path: sourcePath, roots, what: `another source of it, ${pathToText(sourcePath)}` };
    }
  }

  /** Results of a job lie in the job's own directory, wherever processing keeps it. */
  private async rootsOf(jobDirectory: Buffer | null): Promise<Buffer[]> {
    return jobDirectory === null ? this.sourceRoots.resolved() : resolved(jobDirectory);
  }

  private async identityIfGood(row: AuditedRow, path: Buffer): Promise<FileIdentity | undefined> {
    const [look] = await this.inspector.look([path]);
    if (look?.kind !== 'file' || look.sizeBytes !== (row.replica?.sizeBytes ?? row.sizeBytes)) {
      return undefined;
    }
    const answer = await this.inspector.digest(path, { wantsSha256: false, bytesPerSecond: null });
    if (answer.kind === 'cancelled') {
      throw new AuditInterrupted('the repair was interrupted');
    }
    return answer.kind === 'read' && answer.md5Sum === row.md5Sum
      ? { sizeBytes: look.sizeBytes, mtimeNs: look.mtimeNs, inode: look.inode }
      : undefined;
  }
}

async function resolved(directory: Buffer): Promise<Buffer[]> {
  return realpath(directory, 'buffer').then(
    (path) => [path],
    () => [],
  );
}
