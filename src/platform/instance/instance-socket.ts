import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { driverCode } from '../../kernel/errors.js';
import type { InstanceFacts } from './instance-facts.js';

/**
 * The address that stands for a data directory. On Linux it is in the abstract namespace: it belongs to exactly one
 * process and vanishes with it, however that ends, so there are no stale locks. It is named after the directory's
 * device and inode, so other paths to the same directory (links, bind mounts) lead to the same lock.
 */
export async function socketAddress(dataDirectory: string): Promise<string> {
  const { dev, ino } = await stat(dataDirectory, { bigint: true });
  const name = `dm-station-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 24)}`;
  return process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`);
}

/** Binds the address and tells every caller who we are; `undefined` when somebody else has it. */
export async function listen(address: string, facts: () => InstanceFacts): Promise<Server | undefined> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(JSON.stringify(facts()));
  });
  const error = await new Promise<Error | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen({ path: address, exclusive: true }, () => resolve(undefined));
  });
  if (error === undefined) {
    return server.unref();
  }
  if (driverCode(error) === 'EADDRINUSE') {
    return undefined;
  }
  throw error;
}

/** What the holder of the address says about itself: its facts, `silent`, or `gone` when there is none any more. */
export async function ask(address: string, timeoutMs = 2_000): Promise<InstanceFacts | 'silent' | 'gone'> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(address);
    socket.setTimeout(timeoutMs, () => socket.destroy());
    socket.on('data', (chunk) => (text += chunk.toString('utf8')));
    socket.on('error', (error) => resolve(driverCode(error) === 'ECONNREFUSED' ? 'gone' : 'silent'));
    socket.on('close', () => resolve(parseFacts(text)));
  });
}

/** Only for systems without the abstract namespace, where a dead process leaves its socket behind. */
export function removeStale(address: string): void {
  if (!address.startsWith('\0')) {
    rmSync(address, { force: true });
  }
}

function parseFacts(text: string): InstanceFacts | 'silent' {
  try {
    return JSON.parse(text) as InstanceFacts;
  } catch {
    return 'silent';
  }
}
