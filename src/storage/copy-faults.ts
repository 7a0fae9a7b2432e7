import { driverCode, messageOf } from '../kernel/errors.js';
import type { FaultKind } from './transfer-engine.port.js';

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
/** The mount as a whole does not work now. */
const GONE = new Set(['ESTALE', 'ENOTCONN', 'ETIMEDOUT', 'EHOSTDOWN']);
/** Calls that are made at the destination only, since sources are read and never changed. */
const CHANGING = new Set([
  'write',
  'fsync',
  'ftruncate',
  'futime',
  'fchmod',
  'fchown',
  'chmod',
  'mkdir',
  'rename',
  'link',
  'copyfile',
]);
const PERMANENT = new Set(['EACCES', 'EPERM', 'ENAMETOOLONG', 'ELOOP', 'EINVAL', 'EISDIR', 'ENOTDIR', 'EXDEV']);

export interface Fault {
  code: string;
  message: string;
  kind: FaultKind;
}

/** Sorts what the file system said by what can be done about it. */
export function faultOf(error: unknown): Fault {
  const fault = faultOfCode(driverCode(error) ?? 'UNKNOWN', messageOf(error));
  return isOfChange(error) ? atDestination(fault) : fault;
}

export function faultOfCode(code: string, message: string): Fault {
  return { code, message, kind: kindOf(code) };
}

/** The same fault, known to be the destination's: a mount that is gone there says nothing about the file. */
export function atDestination(fault: Fault): Fault {
  return GONE.has(fault.code) ? { ...fault, kind: 'unavailable' } : fault;
}

function kindOf(code: string): FaultKind {
  if (NO_SPACE.has(code)) {
    return 'no-space';
  }
  if (code === 'EROFS') {
    return 'unavailable'; // only who writes meets it
  }
  return PERMANENT.has(code) ? 'permanent' : 'transient';
}

function isOfChange(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && CHANGING.has(String(error.syscall));
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
