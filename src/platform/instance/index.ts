export { DatabaseLease, type DatabaseLeaseOptions } from './database-lease.js';
export { acquireInstance, type InstanceLock } from './instance-lock.js';
export { ownFacts, type InstanceFacts } from './instance-facts.js';
export type { LeaseFacts } from './lease-store.js';
