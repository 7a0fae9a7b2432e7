import { parentPort, workerData } from 'node:worker_threads';
import type { TransferTask } from '../transfer-engine.port.js';
import { type ThreadPermissions, usePermissions } from './arrival-permissions.js';
import { BatchCopier } from './copy-batch.js';

const copier = new BatchCopier();

usePermissions(workerData as ThreadPermissions);

/** Entry of a copying thread: one batch in, its outcomes out. */
parentPort?.on('message', (message: { batch: number; tasks: TransferTask[] }) => {
  parentPort?.postMessage({ batch: message.batch, outcomes: copier.copy(message.tasks) });
});
