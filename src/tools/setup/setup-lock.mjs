import { createHash } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { say } from './say.mjs';

/**
 * Runs `action` while no other set-up of the same clone does: two first commands typed at once must not install over
 * each other. The lock is a socket, so it cannot be left behind by a process that was killed.
 */
export async function withSetupLock(root, action) {
  const { dev, ino } = statSync(root, { bigint: true });
  const name = `dm-setup-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 24)}`;
  const address = process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`);
  let lock = await bind(address);
  for (let waited = 0; lock === undefined; waited += 1) {
    if (waited === 4) {
      say('waiting for another set-up of this clone to end …');
    }
    await pause(250);
    if (process.platform !== 'linux' && !(await isAnswered(address))) {
      rmSync(address, { force: true });
    }
    lock = await bind(address);
  }
  try {
    return await action();
  } finally {
    lock.close();
  }
}

async function bind(address) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.end());
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(address, () => resolve(server.unref()));
  });
}

async function isAnswered(address) {
  return new Promise((resolve) => {
    const socket = connect(address, () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
    socket.resume();
  });
}
