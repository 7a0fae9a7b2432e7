import { Worker } from 'node:worker_threads';
import { messageOf } from '../../../kernel/errors.js';
import { workerUrl } from '../../../platform/worker-url.js';
import { yieldToOthers } from '../../../platform/yield-to-others.js';
import { detectFormat } from '../formats/detect-format.js';
import { FileSource, UnreadableFile } from '../formats/file-source.js';
import { readFormat } from '../formats/read-format.js';
import type { FromReader, ReaderReply, ReaderRequest } from './messages.js';

/**
 * The reader process. It opens files, decides what they are, and reads them, one after the other; what a file can do to it
 * stays here. It ends with the station, whatever it is doing at that moment.
 */
process.on('disconnect', () => process.exit(0));
// Ctrl-C in a terminal reaches the whole group; the station says when it is time.
process.on('SIGINT', () => undefined);
yieldToOthers();
// A reader that hangs never learns of a disconnection: a thread of its own looks whether the station is still there.
new Worker(workerUrl(import.meta.url, './orphan-watch.js'), { workerData: process.ppid }).unref();
process.on('message', (request: ReaderRequest) => void answer(request).then(send));
send({ kind: 'ready' });

function send(message: FromReader): void {
  process.send?.(message);
}

async function answer(request: ReaderRequest): Promise<ReaderReply> {
  let source: FileSource | undefined;
  try {
    source = FileSource.open(asPath(request.path));
    if (request.kind === 'detect') {
      return { kind: 'detected', format: detectFormat(source, request.name), complaint: null };
    }
    const { raw, complaint, isReaderBroken } = await readFormat(request.format, source);
    return { kind: 'read', raw: raw === null ? null : JSON.stringify(raw), complaint, isWorn: isReaderBroken };
  } catch (error) {
    const complaint = error instanceof UnreadableFile ? error.message : `Reading it failed: ${messageOf(error)}.`;
    return request.kind === 'detect'
      ? { kind: 'detected', format: null, complaint }
      : { kind: 'read', raw: null, complaint, isWorn: !(error instanceof UnreadableFile) };
  } finally {
    source?.close();
  }
}

/** Buffers arrive as plain arrays of bytes. */
function asPath(path: Buffer | Uint8Array | string): Buffer | string {
  return typeof path === 'string' ? path : Buffer.from(path);
}
