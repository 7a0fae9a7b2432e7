import { driverCode, messageOf } from '../kernel/errors.js';
import type { FaultKind } from './transfer-engine.port.js';

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const PERMANENT = new Set(['EACCES', 'EPERM', 'ENAMETOOLONG', 'ELOOP', 'EINVAL', 'EISDIR', 'ENOTDIR', 'EXDEV']);

export interface Fault {
  code: string;
  message: string;
  kind: FaultKind;
}

/** Sorts what the file system said by what can be done about it. */
export function faultOf(error: unknown): Fault {
  return faultOfCode(driverCode(error) ?? 'UNKNOWN', messageOf(error));
}

export function faultOfCode(code: string, message: string): Fault {
  const kind = NO_SPACE.has(code) ? 'no-space' : PERMANENT.has(code) ? 'permanent' : 'transient';
  return { code, message, kind };
}

/** A refusal of our own, with a stable code, thrown where a system call would throw its own. */
export class CopyRefusal extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
