import { randomBytes } from 'node:crypto';

const PROCESS_PART = randomBytes(5);
let counter = randomBytes(3).readUIntBE(0, 3);

/**
 * A 24-hex-digit id that sorts by time of creation: 4 bytes of seconds, 5 of this process, 3 of a counter. The form
 * that existing clients expect of catalog files and workflows (dm-interfaces 2.6), and what MongoDB calls an ObjectId.
 */
export function objectId(nowMs: number = Date.now()): string {
  counter = (counter + 1) & 0xffffff;
  const id = Buffer.alloc(12);
  id.writeUInt32BE(Math.floor(nowMs / 1000) >>> 0, 0);
  PROCESS_PART.copy(id, 4);
  id.writeUIntBE(counter, 9, 3);
  return id.toString('hex');
}
