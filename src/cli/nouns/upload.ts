import type { Command } from 'commander';
import { type AcquisitionOptions, acquisitionRequest, withAcquisitionOptions } from '../acquisition-request.js';
import { countsSentence, isEnded, progressOf, remarkOnPreflight, troubled } from '../acquisition-view.js';
import { type ApiClient, apiPath } from '../api-client.js';
import type { AcquisitionAnswer, LedgerRow } from '../api-types.js';
import type { CliContext } from '../context.js';
import { CliExit, EXIT } from '../exit-codes.js';
import { formatBytes, formatCount, formatSpan } from '../format.js';
import { collect, parseDuration } from '../parse-options.js';
import { ProgressBar } from '../progress-bar.js';
import { safeLine } from '../safe-text.js';
import { waitUntilFinished } from '../wait.js';

interface UploadOptions extends AcquisitionOptions {
  wait: boolean;
  timeout?: number;
}

/** How many files with trouble are named; the rest is a command away. */
const NAMED_TROUBLES = 10;

/** `dm upload DIRECTORY`. */
export function registerUpload(program: Command, context: CliContext): void {
  withAcquisitionOptions(program.command('upload').description('bring what lies in a directory to storage, once'))
    .option('--only-file <path>', 'only this file, relative to the directory; may be repeated', collect)
    .option('--reprocess', 'copy, verify and catalog again what is in storage already')
    .option('--as-directory', 'catalog nothing before the whole directory is verified')
    .option('--no-wait', 'return as soon as the station has taken the task on')
    .option('--timeout <duration>', 'stop waiting after so long; the upload itself goes on', parseDuration)
    .action((directory: string, pairs: string[], options: UploadOptions) => upload(context, directory, pairs, options));
}

async function upload(context: CliContext, directory: string, pairs: string[], options: UploadOptions): Promise<void> {
  const request = acquisitionRequest(context, 'upload', directory, pairs, options);
  const client = await context.client();
  const started = await client.post<AcquisitionAnswer>('/acquisitions', request);
  remarkOnPreflight(context, started);
  if (!options.wait) {
    context.print(
      started,
      () => `Upload ${started.id} is under way; "dm acquisition show ${started.id}" tells how it goes.`,
    );
    return;
  }
  const ended = await follow(context, client, started.id, options.timeout);
  const troubles = troubled(ended.counts) > 0 ? await troubledFiles(client, ended.id) : [];
  context.print(troubles.length === 0 ? ended : { ...ended, troubles }, () => summary(ended, troubles));
  if (ended.status !== 'done' || troubled(ended.counts) > 0) {
    context.exitCode = EXIT.workFailed;
  }
}

async function follow(
  context: CliContext,
  client: ApiClient,
  id: string,
  timeoutSeconds: number | undefined,
): Promise<AcquisitionAnswer> {
  const bar = new ProgressBar(context.io.stderr);
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  try {
    return await waitUntilFinished({
      read: () => client.get<AcquisitionAnswer>(apiPath`/acquisitions/${id}`),
      isFinished: isEnded,
      onState: (state) => bar.update(progressOf(state)),
      onOutage: (error) => {
        bar.clear();
        context.remark(`${error.message}\nThe upload goes on when the station is back; still waiting.`);
      },
      timeoutSeconds,
      signal: interrupt.signal,
    });
  } catch (error) {
    if (interrupt.signal.aborted) {
      throw new CliExit(
        EXIT.interrupted,
        'INTERRUPTED',
        `Upload ${id} goes on without you: "dm acquisition show ${id}" tells how, "dm acquisition stop ${id}" ends it.`,
      );
    }
    throw error;
  } finally {
    process.off('SIGINT', onInterrupt);
    bar.clear();
  }
}

async function troubledFiles(client: ApiClient, id: string): Promise<LedgerRow[]> {
  const rows: LedgerRow[] = [];
  for (const state of ['quarantined', 'failed']) {
    const path = apiPath`/acquisitions/${id}/files`;
    rows.push(...(await client.allItems<LedgerRow>(path, { state }, NAMED_TROUBLES)));
  }
  return rows.slice(0, NAMED_TROUBLES);
}

function summary(ended: AcquisitionAnswer, troubles: readonly LedgerRow[]): string {
  const { counts } = ended;
  const took = formatSpan(ended.startedAt, ended.endedAt);
  const lines = [
    `Upload ${ended.id} ${ended.status}${took === '' ? '' : ` in ${took}`}: ${countsSentence(counts)}, ${formatBytes(counts.bytesDone)}.`,
  ];
  if (ended.errorMessage !== null) {
    lines.push(safeLine(ended.errorMessage));
  }
  lines.push(...troubles.map(({ state, path, reason }) => `  ${state}  ${safeLine(path)}  ${safeLine(reason)}`));
  if (troubled(counts) > troubles.length) {
    const more = formatCount(troubled(counts) - troubles.length);
    lines.push(`  and ${more} more: dm acquisition files ${ended.id} --state quarantined`);
  }
  return lines.join('\n');
}
