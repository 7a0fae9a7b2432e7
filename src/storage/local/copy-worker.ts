import { parentPort, workerData } from 'node:worker_threads';
import { yieldToOthers } from '../../platform/yield-to-others.js';
import type { ResolvedPermissions } from '../resolved-permissions.js';
import { usePermissions } from './arrival-permissions.js';
import { packOutcomes, type PackedTasks, unpackTasks } from './batch-messages.js';
import { BatchCopier } from './copy-batch.js';

const copier = new BatchCopier();

yieldToOthers();
usePermissions(workerData as ResolvedPermissions);

/** Entry of a copying thread: one batch in, its outcomes out. */
parentPort?.on('message', (tasks: PackedTasks) => {
  parentPort?.postMessage(packOutcomes(copier.copy(unpackTasks(tasks))));
});
