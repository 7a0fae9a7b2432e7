import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP connection to a server that a test can cut and mend again. */
export class CutWire {
  private isCut = false;
  private isStalled = false;
  /** Each socket with the other end of its connection. */
  private readonly sockets = new Map<Socket, Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: { host: string; port: number },
  ) {
    server.on('connection', (socket) => this.join(socket));
  }

  static async to(target: { host: string; port: number }): Promise<CutWire> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CutWire(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends what is connected and lets nobody in. */
  cut(): void {
    this.isCut = true;
    this.sockets.forEach((_, socket) => socket.destroy());
  }

  /** Lets nothing through, and says so to nobody: as a server that hangs. */
  stall(): void {
    this.isStalled = true;
    this.sockets.forEach((other, socket) => socket.unpipe(other).pause());
  }

  mend(): void {
    this.isCut = false;
    this.isStalled = false;
    this.sockets.forEach((other, socket) => socket.pipe(other));
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(near: Socket): void {
    if (this.isCut) {
      near.destroy();
      return;
    }
    const far = connect(this.target);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.set(one, other);
      one.on('error', () => undefined);
      one.once('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
      if (!this.isStalled) {
        one.pipe(other);
      }
    }
  }
}
