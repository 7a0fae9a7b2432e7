export { type JobHandler, QUEUE, type QueueJob, type QueueName, type WorkQueue } from './work-queue.port.js';
export { PostgresBullBackend, RedisBullBackend } from './bull-backend.js';
export { BullWorkQueue } from './bull-work-queue.js';
