import { describe, expect, it } from 'vitest';
import { compareDevice, deviceText } from './source-device.js';

const at = (path: string) => Buffer.from(path);

describe('compareDevice', () => {
  it.each([
    ['the same mount', '44@/mnt/det', '44', '/mnt/det', false, false],
    ['a mount that is mounted anew', '44@/mnt/det', '51', '/mnt/det', true, false],
    ['a mount that has gone', '44@/mnt/det', '51', '/', true, true],
    ['a mount that has gone from within another', '44@/mnt/det', '51', '/mnt', true, true],
    ['a mount that has moved closer', '44@/mnt', '51', '/mnt/det', true, false],
    ['a directory that was on no mount of its own', '44', '51', '/', true, false],
    ['a mount beside it', '44@/mnt/det', '51', '/mnt/detector', true, false],
  ])('knows %s', (_what, known, number, mountPoint, isOther, hasLostMount) => {
    expect(compareDevice(known, number, at(mountPoint))).toMatchObject({ isOther, hasLostMount });
  });

  it('concludes nothing where the mounts cannot be told', () => {
    expect(compareDevice('44@/mnt/det', '51', null)).toMatchObject({ hasLostMount: false });
  });

  it('does not forget the mount while its number is the same', () => {
    expect(compareDevice('44@/mnt/det', '44', at('/')).device).toBe('44@/mnt/det');
    expect(compareDevice('44', '44', at('/mnt/det')).device).toBe('44@/mnt/det');
  });

  it('takes mount points as bytes', () => {
    const odd = Buffer.concat([at('/mnt/a@b\n'), Buffer.from([0xff])]);
    expect(compareDevice(deviceText('44', odd), '51', at('/mnt'))).toMatchObject({ hasLostMount: true });
    expect(compareDevice(deviceText('44', odd), '51', odd)).toMatchObject({ hasLostMount: false });
  });
});
