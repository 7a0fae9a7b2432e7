import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../kernel/errors.js';
import { type CloseLook, lookAt, plainLook, readStart } from './file-looks.js';
import { lookForSource } from './local-presence.js';
import { LookThreads } from './look-threads.js';
import { removeFile, restoreFile } from './remove-file.js';
import { clockOf } from './source-clock.js';
import type { Delivery } from './scan-delivery.js';
import type { Presence, ScanBatch, ScanRequest } from './source-tree.port.js';
import type { SourceQuestion, SourceReply, SourceThreadData } from './source-thread.protocol.js';
import { TreeWalk } from './tree-walk.js';

/** Looks at a file server wait for it, not for this machine: so many wait at a time. */
const LOOKS_AT_A_TIME = 4;

interface OpenPass {
  deliveries: AsyncGenerator<Delivery>;
  /** Handed out, not yet known to be taken. */
  pending: Delivery[];
  taken: number;
}

/** The thread of one source: whatever hangs here hangs for nobody else. */
const data = workerData as SourceThreadData;
const root = Buffer.from(data.root);
const beats = new Int32Array(data.beats);
const passes = new Map<number, OpenPass>();
let lookThreads: LookThreads | undefined;

let walk = newWalk();

parentPort?.on('message', (question: SourceQuestion) => {
  answer(question).then(
    (reply) => send({ id: question.id, answer: reply }),
    (error: unknown) => send({ id: question.id, error: messageOf(error) }),
  );
});

async function answer(question: SourceQuestion): Promise<unknown> {
  switch (question.kind) {
    case 'presence':
      return watchType(lookForSource(root, question.knownDevice, data.places));
    case 'look':
      return (await lookAtMany(question.paths)).map(plainLook);
    case 'read':
      return readStart(root, question.path, question.limit);
    case 'clock':
      return clockOf(root);
    case 'remove':
      return removeFile(root, question.path, question.identity);
    case 'restore':
      restoreFile(root, question.path, question.identity);
      return null;
    case 'next':
      return next(question.scan, question.request, question.taken);
    case 'forget':
      walk = newWalk();
      return null;
    case 'close':
      return close(question.scan, question.taken);
  }
}

/** Over a network a look takes a thousand times longer and costs this machine nothing: several go at a time. */
function watchType(presence: Presence): Presence {
  if (presence.isThere && presence.fileSystem.isShared) {
    lookThreads ??= new LookThreads(root, data.beats, LOOKS_AT_A_TIME);
  }
  return presence;
}

function lookAtMany(paths: readonly Uint8Array[]): CloseLook[] | Promise<CloseLook[]> {
  if (lookThreads !== undefined) {
    return lookThreads.lookAll(paths);
  }
  return paths.map((path) => {
    const look = lookAt(root, path);
    beat();
    return look;
  });
}

async function next(scan: number, request: ScanRequest, taken: number): Promise<ScanBatch | null> {
  const pass = passes.get(scan) ?? { deliveries: walk.pass(inBuffers(request)), pending: [], taken: 0 };
  passes.set(scan, pass);
  for (; pass.taken < taken; pass.taken += 1) {
    pass.pending.shift()?.taken();
  }
  const step = await pass.deliveries.next();
  if (step.done === true) {
    return null;
  }
  pass.pending.push(step.value);
  return step.value.batch;
}

async function close(scan: number, taken: number): Promise<null> {
  const pass = passes.get(scan);
  pass?.pending.slice(0, taken - pass.taken).forEach((delivery) => delivery.taken());
  passes.delete(scan);
  await pass?.deliveries.return(undefined);
  return null;
}

/** Messages between threads carry buffers as plain arrays of bytes. */
function inBuffers(request: ScanRequest): ScanRequest {
  return request.only === undefined ? request : { ...request, only: request.only.map((path) => Buffer.from(path)) };
}

function newWalk(): TreeWalk {
  return new TreeWalk({
    root,
    batchSize: data.batchSize,
    lookAtAll: lookAtMany,
    beat,
    nowMs: () => performance.now(),
  });
}

function beat(): void {
  Atomics.add(beats, 0, 1);
}

function send(reply: SourceReply): void {
  parentPort?.postMessage(reply);
}
