import { driverCode } from '../kernel/errors.js';

/** Whether there is a process of this number, whoever it belongs to. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return driverCode(error) === 'EPERM'; // there, and somebody else's
  }
}
