import { parentPort } from 'node:worker_threads';
import type { FilterOptions } from './file-filter.js';
import type { ScanBatch } from '../source/source-tree.port.js';
import { scanTree } from './tree-scan.js';

export type ScanRequest =
  | { kind: 'open'; scan: number; root: Uint8Array; filter: FilterOptions; batchSize: number }
  | { kind: 'next'; scan: number }
  | { kind: 'close'; scan: number };

export interface ScanReply {
  scan: number;
  batch: ScanBatch | null;
  error?: string;
}

const scans = new Map<number, Generator<ScanBatch>>();

/** Entry of the scanning thread. It walks only as fast as it is asked to: memory stays bounded. */
parentPort?.on('message', (request: ScanRequest) => {
  switch (request.kind) {
    case 'open':
      scans.set(request.scan, scanTree(Buffer.from(request.root), request.filter, request.batchSize));
      break;
    case 'close':
      scans.delete(request.scan);
      break;
    case 'next':
      parentPort?.postMessage(advance(request.scan));
  }
});

function advance(scan: number): ScanReply {
  try {
    const step = scans.get(scan)?.next();
    if (step === undefined || step.done === true) {
      scans.delete(scan);
      return { scan, batch: null };
    }
    return { scan, batch: step.value };
  } catch (error) {
    scans.delete(scan);
    return { scan, batch: null, error: error instanceof Error ? error.message : String(error) };
  }
}
