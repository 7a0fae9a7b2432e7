import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { z } from 'zod';
import { driverCode } from '../../../kernel/errors.js';
import { directoryOf, joinBytes } from '../../../kernel/path-bytes.js';
import { AreaRights } from '../../../storage/index.js';
import type { PipelineFile } from '../../pipeline/file-plugin.port.js';
import { keptPath } from '../../pipeline/kept-path.js';
import { MANIFESTS } from '../../system-places.js';
import { pluginOptions } from '../plugin-settings.js';
import type { FileVerdict, PluginStep } from '../plugin-step.js';
import type { ShippedStep } from '../shipped-step.js';
import { ManifestFile, type ManifestItem } from './manifest-file.js';

const optionsSchema = z.strictObject({
  /** A list for each directory that files come to, or for each acquisition. */
  per: z.enum(['directory', 'acquisition']).default('directory'),
});

/** Newest version with content at the destination of each row; rows by their id. */
export type NewestVersions = (ledgerIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;

interface Parts {
  newestVersions: NewestVersions;
  rights: AreaRights;
}

/**
 * Keeps lists of digests in the experiment's own storage, which anybody can check with `md5sum -c`, in years and without
 * the station. Each version stands under the name where its content lies: a newer one at the file's own, older ones below
 * `system/versions`.
 */
export class ChecksumManifest implements PluginStep {
  readonly name = 'checksum-manifest';
  readonly form = 'batch';
  /** Tail of the work on each list: one writer at a time. */
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(
    private readonly per: 'directory' | 'acquisition',
    private readonly parts: Parts,
  ) {}

  async process(files: readonly PipelineFile[]): Promise<FileVerdict[]> {
    // Without a digest there is nothing to list; but what the list says of the content before may have to go.
    const listed = files.filter(({ row }) => row.md5Sum !== null || hasDisplaced(row));
    for (const group of Map.groupBy(listed, (file) => this.manifestOf(file).toString('latin1')).values()) {
      await this.record(group);
    }
    return files.map((file) => (file.row.md5Sum === null ? NO_DIGEST : { kind: 'passed' }));
  }

  private async record(files: readonly PipelineFile[]): Promise<void> {
    const [first] = files;
    if (first === undefined) {
      return;
    }
    const { directory } = first.experiment;
    const manifest = this.manifestOf(first);
    try {
      await this.inTurn(directory, manifest, files);
    } catch (error) {
      // The name is too long below our folder, or a directory of that name is there: a name that always fits.
      if (!['ENAMETOOLONG', 'ENOTDIR', 'EISDIR', 'EEXIST'].includes(driverCode(error) ?? '')) {
        throw error;
      }
      const digest = createHash('sha256').update(manifest).digest('hex');
      await this.inTurn(directory, joinBytes(MANIFESTS, Buffer.from(`by-sha256/${digest}.md5`)), files);
    }
  }

  private async inTurn(experiment: Buffer, manifest: Buffer, files: readonly PipelineFile[]): Promise<void> {
    const path = joinBytes(experiment, manifest);
    const key = path.toString('latin1');
    const before = this.turns.get(key) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(() => this.write(experiment, path, files));
    this.turns.set(key, turn);
    try {
      await turn;
    } finally {
      if (this.turns.get(key) === turn) {
        this.turns.delete(key);
      }
    }
  }

  private async write(experiment: Buffer, path: Buffer, files: readonly PipelineFile[]): Promise<void> {
    const newest = await this.parts.newestVersions(files.map((file) => file.row.id));
    const items = (await Promise.all(files.map((file) => itemsOf(file, newest.get(file.row.id))))).flat();
    const manifest = new ManifestFile(path, experiment, this.parts.rights);
    // Files that came again: what the list says of their names is no longer so.
    const displaced = files.filter(({ row }) => hasDisplaced(row)).map(({ row }) => row.destinationPath);
    await (displaced.length > 0 ? manifest.replace(lastOfEachName(items), displaced) : manifest.add(items));
  }

  private manifestOf({ row, acquisition }: PipelineFile): Buffer {
    return this.per === 'acquisition'
      ? joinBytes(MANIFESTS, Buffer.from(`acquisitions/${acquisition.id}.md5`))
      : joinBytes(MANIFESTS, directoryOf(row.destinationPath), Buffer.from('manifest.md5'));
  }
}

const NO_DIGEST: FileVerdict = {
  kind: 'passed',
  warning: { code: 'MANIFEST_NO_DIGEST', message: 'no digest was taken of it, so it stands in no manifest' },
};

/** Lines for the version and for the one that it has displaced, each under the name where its content lies now. */
async function itemsOf({ row, experiment }: PipelineFile, newest: number | undefined): Promise<ManifestItem[]> {
  const version = row.version ?? 1;
  const isNewest = newest === undefined || newest <= version;
  const items: ManifestItem[] = [];
  const { previous } = row;
  if (previous !== null && previous.md5Sum !== null) {
    items.push({ name: keptPath(row, previous.version), digest: previous.md5Sum });
  }
  if (row.md5Sum !== null) {
    items.push({ name: isNewest ? row.destinationPath : keptPath(row, version), digest: row.md5Sum });
  }
  const isThere = await Promise.all(
    items.map(async ({ name }) => name === row.destinationPath || exists(joinBytes(experiment.directory, name))),
  );
  return items.filter((_, at) => isThere[at]);
}

function hasDisplaced(row: PipelineFile['row']): boolean {
  return row.previous !== null || (row.version ?? 1) > 1;
}

async function exists(path: Buffer): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

function lastOfEachName(items: readonly ManifestItem[]): ManifestItem[] {
  return [...new Map(items.map((item) => [item.name.toString('latin1'), item])).values()];
}

export const CHECKSUM_MANIFEST: ShippedStep = {
  name: 'checksum-manifest',
  defaults: { order: 240, timeoutSeconds: 120, onError: 'retry', concurrency: 4, options: {} },
  make({ options }, { config, database }) {
    const { per } = pluginOptions('checksum-manifest', optionsSchema, options);
    const newestVersions: NewestVersions = async (ledgerIds) => {
      const rows = await database.query<{ id: string; newest: number }>(
        `SELECT c.id, max(o.version) AS newest
         FROM ledger c JOIN ledger o ON o.experiment_id = c.experiment_id AND o.destination_key = c.destination_key
         WHERE c.id = ANY($1::bigint[]) AND o.version IS NOT NULL AND o.transferred_at IS NOT NULL
         GROUP BY c.id`,
        [ledgerIds],
      );
      return new Map(rows.map(({ id, newest }) => [id, newest]));
    };
    return new ChecksumManifest(per, { newestVersions, rights: new AreaRights(config) });
  },
};
