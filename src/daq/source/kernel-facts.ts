import { readWatchLimits, type WatchLimits } from './watch-limits.js';

/** What the kernel of this machine says of watches and file systems; a spec says something else. */
export interface KernelFacts {
  /** As they were when the station started. */
  watchLimits: WatchLimits;
  /** The file that lists what is mounted, in the form of /proc/self/mountinfo. */
  mountInfo: string;
}

export const KERNEL_FACTS = Symbol('KernelFacts');

export function readKernelFacts(): KernelFacts {
  return { watchLimits: readWatchLimits(), mountInfo: '/proc/self/mountinfo' };
}
