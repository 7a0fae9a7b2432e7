import { parentPort } from 'node:worker_threads';
import { copyBatch } from './copy-batch.js';
import type { TransferTask } from '../transfer-engine.port.js';

/** Entry of a copying thread: one batch in, its outcomes out. */
parentPort?.on('message', (message: { batch: number; tasks: TransferTask[] }) => {
  parentPort?.postMessage({ batch: message.batch, outcomes: copyBatch(message.tasks) });
});
