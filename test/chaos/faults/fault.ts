import type { PlannedFault } from '../plan.ts';
import type { World } from '../world.ts';

/**
 * One kind of fault. It strikes, lasts, and is mended before the promise resolves, whatever else happens meanwhile.
 *
 * @returns how often it really struck: 0 when there was nothing to strike, such as a server that was down already.
 */
export type Fault = (world: World, planned: PlannedFault) => Promise<number>;
