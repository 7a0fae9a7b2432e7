export type { NewEvent, StationEvent } from './event.js';
export { EventLog, type EventHandler } from './event-log.js';
export { EventStore, type ReadEvents } from './event-store.js';
export { WakeableLoop } from './wakeable-loop.js';
