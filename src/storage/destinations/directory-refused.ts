import { CopyRefusal, type Fault } from '../copy-faults.js';
import type { Destination } from './destination.js';

/** Keeps the code of the fault, which says whether waiting helps. */
export function directoryRefused({ name, address }: Destination, { code, message }: Fault): CopyRefusal {
  return new CopyRefusal(
    code,
    `The destination ${name} cannot make the directory of the experiment at ${address}: ${message}. Look at its permissions there.`,
  );
}
