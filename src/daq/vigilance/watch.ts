import type { NewAlarm } from '../../platform/alarms/index.js';

/** Looks for one kind of trouble. What it does not answer any more is over, and its alarm is cleared. */
export interface Watch {
  /** All its alarms' keys begin so. */
  readonly prefix: string;
  /** A throw says nothing about the trouble: alarms stay as they are. */
  look(nowMs: number): Promise<NewAlarm[]>;
}
