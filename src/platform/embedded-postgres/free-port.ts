import { createServer } from 'node:net';

/** `wanted` if nothing listens there on loopback, else any free port. */
export async function freePort(wanted?: number): Promise<number> {
  if (wanted !== undefined) {
    const port = await tryPort(wanted);
    if (port !== undefined) {
      return port;
    }
  }
  const port = await tryPort(0);
  if (port === undefined) {
    throw new Error('No TCP port is free on 127.0.0.1.');
  }
  return port;
}

async function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
