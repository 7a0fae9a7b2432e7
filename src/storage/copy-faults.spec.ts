import { describe, expect, it } from 'vitest';
import { atDestination, faultOf, faultOfCode } from './copy-faults.js';

const anError = (code: string, syscall: string) => Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });

describe('faultOf', () => {
  it.each([
    ['ENOSPC', 'write', 'no-space'],
    ['EACCES', 'open', 'permanent'],
    ['EIO', 'read', 'transient'],
    ['EROFS', 'open', 'unavailable'], // only who writes meets it
    ['ESTALE', 'mkdir', 'unavailable'],
    ['ENOTCONN', 'fsync', 'unavailable'],
    ['ETIMEDOUT', 'write', 'unavailable'],
    ['ESTALE', 'read', 'transient'], // may be the source
    ['EIO', 'write', 'transient'],
  ])('%s of %s is %s', (code, syscall, kind) => {
    expect(faultOf(anError(code, syscall))).toEqual({ code, message: `${code}: ${syscall}`, kind });
  });
});

describe('atDestination', () => {
  it('takes a mount that is gone for what it is, and nothing else', () => {
    expect(atDestination(faultOfCode('ESTALE', 'Stale file handle'))).toMatchObject({ kind: 'unavailable' });
    expect(atDestination(faultOfCode('EIO', 'Input/output error'))).toMatchObject({ kind: 'transient' });
    expect(atDestination(faultOfCode('EACCES', 'Permission denied'))).toMatchObject({ kind: 'permanent' });
  });
});
