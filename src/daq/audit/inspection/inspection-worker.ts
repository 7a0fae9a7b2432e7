import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { type DigestAnswer, digestOfFile } from './digest.js';
import { type Look, lookAtPath } from './look.js';
import { type WalkedFile, walkTree } from './walk.js';

export type InspectionRequest = { id: number } & (
  | { do: 'look'; paths: Uint8Array[] }
  | { do: 'walk'; walk: string; root: Uint8Array; excluded: readonly Uint8Array[]; batchSize: number }
  | { do: 'walk-end'; walk: string }
  | { do: 'digest'; path: Uint8Array; wantsSha256: boolean; bytesPerSecond: number | null }
);

export interface InspectionReply {
  id: number;
  looks?: Look[];
  /** Null at the end of a walk. */
  walked?: WalkedFile[] | null;
  digest?: DigestAnswer;
  error?: string;
}

/** Longest nap in one piece, so that a clock that jumps cannot make it long. */
const LONGEST_NAP_MS = 1000;

const { cancelled } = workerData as { cancelled: Int32Array<SharedArrayBuffer> };
const walks = new Map<string, Generator<WalkedFile[], undefined>>();

yieldToOtherWork();

/** Entry of the inspecting thread: one request at a time. */
parentPort?.on('message', (request: InspectionRequest) => {
  try {
    parentPort?.postMessage({ id: request.id, ...answer(request) });
  } catch (error) {
    parentPort?.postMessage({ id: request.id, error: error instanceof Error ? error.message : String(error) });
  }
});

function answer(request: InspectionRequest): Omit<InspectionReply, 'id'> {
  switch (request.do) {
    case 'look':
      return { looks: request.paths.map(lookAtPath) };
    case 'walk':
      return { walked: walkOn(request) };
    case 'walk-end':
      walks.get(request.walk)?.return(undefined);
      walks.delete(request.walk);
      return {};
    case 'digest':
      return { digest: digestOfFile(request.path, request.wantsSha256, paceOf(request.bytesPerSecond)) };
  }
}

function walkOn(request: Extract<InspectionRequest, { do: 'walk' }>): WalkedFile[] | null {
  let walk = walks.get(request.walk);
  if (walk === undefined) {
    walk = walkTree(Buffer.from(request.root), request.excluded, request.batchSize);
    walks.set(request.walk, walk);
  }
  const step = walk.next();
  if (step.done === true) {
    walks.delete(request.walk);
    return null;
  }
  return step.value;
}

function paceOf(bytesPerSecond: number | null): (bytes: number) => boolean {
  return (bytes) => {
    const isCancelled = () => Atomics.load(cancelled, 0) !== 0;
    for (let leftMs = bytesPerSecond === null ? 0 : (bytes / bytesPerSecond) * 1000; leftMs > 0 && !isCancelled();) {
      const nap = Math.min(leftMs, LONGEST_NAP_MS);
      Atomics.wait(cancelled, 0, 0, nap);
      leftMs -= nap;
    }
    return !isCancelled();
  };
}

/** Copying goes first: on Linux a thread has a niceness of its own, under its own number. */
function yieldToOtherWork(): void {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), constants.priority.PRIORITY_LOW);
  } catch {
    // Not allowed, or no Linux: it only takes its share then.
  }
}
