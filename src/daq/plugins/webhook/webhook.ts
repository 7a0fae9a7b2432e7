import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, StationError } from '../../../kernel/errors.js';
import { joinBytes } from '../../../kernel/path-bytes.js';
import { pathToText } from '../../../kernel/path-text.js';
import type { PipelineFile } from '../../pipeline/file-plugin.port.js';
import { pluginsMisconfigured } from '../plugin-faults.js';
import { pluginOptions } from '../plugin-settings.js';
import type { FileVerdict, PluginStep } from '../plugin-step.js';
import type { ShippedStep } from '../shipped-step.js';
import { AllowedTargets } from './allowed-targets.js';
import { type Message, signatureHeaders, signedPost } from './signed-post.js';

const LEAST_SECRET_BYTES = 16;

const optionsSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  /** Experiments whose files are told of; all by default. */
  experiments: z.array(z.string().min(1)).optional(),
});

interface Parts {
  url: URL;
  experiments: readonly string[] | undefined;
  targets: AllowedTargets;
  /** Null: calls are not signed. */
  secret: Uint8Array | null;
  station: string;
}

/** Tells another system of files that are in storage and in the catalog. */
export class Webhook implements PluginStep {
  readonly name = 'webhook';
  readonly form = 'batch';

  constructor(private readonly parts: Parts) {}

  appliesTo(file: PipelineFile): boolean {
    return this.parts.experiments?.includes(file.experiment.name) ?? true;
  }

  async process(files: readonly PipelineFile[], signal: AbortSignal): Promise<FileVerdict[]> {
    const verdicts = new Map<string, FileVerdict>();
    for (const group of Map.groupBy(files, (file) => file.experiment.id).values()) {
      const verdict = await this.send(group, signal);
      group.forEach((file) => verdicts.set(file.row.id, verdict));
    }
    return files.map((file) => verdicts.get(file.row.id) ?? { kind: 'passed' });
  }

  private async send(files: readonly PipelineFile[], signal: AbortSignal): Promise<FileVerdict> {
    const { url, targets, secret, station } = this.parts;
    try {
      const message = messageAbout(files, station);
      const headers = secret === null ? { 'webhook-id': message.id } : signatureHeaders(message, secret, Date.now());
      await signedPost(url, message, { headers, lookup: targets.lookupFor(url), signal });
      return { kind: 'passed' };
    } catch (error) {
      const code = error instanceof StationError ? error.code : 'WEBHOOK_UNREACHABLE';
      const isSystemic = !(error instanceof StationError) || error.retryable;
      return { kind: 'fault', code, message: messageOf(error), isSystemic };
    }
  }
}

/** The id follows from the files: the same batch sent again is the same message. */
function messageAbout(files: readonly PipelineFile[], station: string): Message {
  const ids = files.map((file) => file.row.catalogId).sort();
  const id = `files-${createHash('sha256').update(ids.join(',')).digest('hex').slice(0, 32)}`;
  const body = JSON.stringify({
    id,
    type: 'files.stored',
    station,
    experiment: files[0]?.experiment.name,
    files: files.map(({ row, experiment, acquisition }) => ({
      id: row.catalogId,
      path: pathToText(row.destinationPath),
      absolutePath: pathToText(joinBytes(experiment.directory, row.destinationPath)),
      version: row.version,
      sizeBytes: Number(row.sizeBytes),
      md5Sum: row.md5Sum,
      acquisitionId: acquisition.id,
    })),
  });
  return { id, body };
}

async function secretFrom(file: string | undefined): Promise<Uint8Array | null> {
  if (file === undefined) {
    return null;
  }
  let secret: string;
  try {
    secret = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw pluginsMisconfigured(`daq.webhooks.secretFile cannot be read: ${messageOf(error)}`);
  }
  if (Buffer.byteLength(secret) < LEAST_SECRET_BYTES) {
    throw pluginsMisconfigured(`the secret in ${file} must have at least ${LEAST_SECRET_BYTES} bytes`);
  }
  // As the specification writes secrets: base64 behind a prefix. Anything else is taken as it is.
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
}

export const WEBHOOK: ShippedStep = {
  name: 'webhook',
  defaults: { order: 400, timeoutSeconds: 20, onError: 'retry', concurrency: 1, options: {} },
  async make({ options }, { config }) {
    const { url: text, experiments } = pluginOptions('webhook', optionsSchema, options);
    const url = new URL(text);
    const targets = new AllowedTargets(config.daq.webhooks);
    targets.require(url);
    const secret = await secretFrom(config.daq.webhooks.secretFile);
    return new Webhook({ url, experiments, targets, secret, station: config.station.name });
  },
};
