import { setFlagsFromString } from 'node:v8';

/** Garbage that may lie about before it is collected, as a share of what is in use. */
const GARBAGE_PERCENT = 50;

/**
 * Lets V8 collect in time. By its own measure, which goes by the memory of the machine, several hundred megabytes of
 * garbage pile up beside a hundred that are in use, and the machine belongs to the beamline's other programs as well. It
 * is asked at each collection, for the heaps of the threads, too. Measured (`npm run bench -- backlog`): the same CPU
 * seconds.
 */
export function limitHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${GARBAGE_PERCENT}`);
}
