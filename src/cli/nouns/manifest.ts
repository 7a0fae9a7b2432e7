import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { type ApiClient, apiPath } from '../api-client.js';
import type { AuditAnswer } from '../api-types.js';
import { auditEnded } from '../audit-end.js';
import type { CliContext } from '../context.js';
import { CliExit, EXIT, usageError } from '../exit-codes.js';
import { formatBytes } from '../format.js';
import { safeLine } from '../safe-text.js';

interface ManifestOptions {
  format?: string;
  output?: string;
  pathPrefix?: string;
  allVersions?: boolean;
  compute?: boolean;
  partial?: boolean;
}

/** `dm experiment manifest NAME`: bytes as they come from the station, which names of files are made of. */
export function registerManifest(experiment: Command, context: CliContext): void {
  experiment
    .command('manifest')
    .description('what is in storage, with proof: a list that md5sum -c checks in the directory of the experiment')
    .argument('<name>')
    .addOption(
      new Option('--format <format>', 'md5sum (default), sha256sum, or ndjson with the evidence of each copy').choices([
        'md5sum',
        'sha256sum',
        'ndjson',
      ]),
    )
    .option('-o, --output <file>', 'write it there; the file appears when it is complete')
    .option('--path-prefix <text>', 'only files whose path begins so, such as data/scan_0001/')
    .option('--all-versions', 'older versions, too, where they are kept')
    .option('--compute', 'for sha256sum: first have an audit read all copies and compute it; waits for that')
    .option('--partial', 'for sha256sum: also when digests are missing; files without one are comments')
    .action((name: string, options: ManifestOptions) => manifest(context, name, options));
}

async function manifest(context: CliContext, name: string, options: ManifestOptions): Promise<void> {
  if ((options.compute === true || options.partial === true) && options.format !== 'sha256sum') {
    throw usageError('--compute and --partial are for --format sha256sum: the other formats need no such digests.');
  }
  const client = await context.client();
  if (options.compute === true) {
    await computeSha256(client, name);
  }
  const body = await client.open(apiPath`/experiments/${name}/manifest`, {
    query: {
      format: options.format ?? (context.isJson && options.output === undefined ? 'ndjson' : 'md5sum'),
      versions: options.allVersions === true ? 'all' : 'latest',
      pathPrefix: options.pathPrefix,
      partial: options.partial,
    },
  });
  if (options.output === undefined) {
    for await (const chunk of body) {
      if (!context.io.stdout.write(chunk)) {
        await new Promise((written) => context.io.stdout.once('drain', written));
      }
    }
    return;
  }
  const file = resolve(context.io.workingDirectory, options.output);
  const bytes = await writeWhole(body, file);
  context.print({ output: file, bytes }, () => `Wrote ${formatBytes(bytes)} to ${safeLine(file)}`);
}

/** What the audit finds is no reason to keep the list back: what is bad is a comment of it. */
async function computeSha256(client: ApiClient, experiment: string): Promise<void> {
  const { id } = await client.post<AuditAnswer>('/audits', { experiment, deep: true, sha256: true });
  const { status, errorMessage } = await auditEnded(client, id);
  if (status !== 'done') {
    const reason = errorMessage === null ? '' : `: ${errorMessage}`;
    throw new CliExit(EXIT.workFailed, 'AUDIT_NOT_DONE', `Audit ${id} of ${experiment} is ${status}${reason}.`);
  }
}

/** A manifest that was cut off must not look like one: it gets its name when it is complete. */
async function writeWhole(body: ReadableStream<Uint8Array>, file: string): Promise<number> {
  const unfinished = `${file}.unfinished`;
  const out = createWriteStream(unfinished);
  try {
    await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), out);
    await rename(unfinished, file);
    return out.bytesWritten;
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
