import { connect, type Socket } from 'node:net';
import { StationError } from '../../../kernel/errors.js';

/** A server, and who we are there. */
export interface GridftpServer {
  address: string;
  port: number;
  user: string;
  password: string;
}

export interface Reply {
  code: number;
  /** All lines without their codes. */
  text: string;
}

const CONNECT_TIMEOUT_MS = 15_000;
/** No answer to a command for so long: longer than the digest of a very large file takes. */
const ANSWER_TIMEOUT_MS = 3_600_000;
const LONGEST_LINE = 65_536;

/**
 * The control channel of a GridFTP server (RFC 959, RFC 3659, GFD.20), for what `globus-url-copy` has no option for:
 * renames, modes, checksums, listings of one file. Commands are sent without waiting for the answers of those before;
 * the server answers in order.
 */
export class ControlChannel {
  private rest = '';
  private lines: string[] = [];
  private readonly waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  private failure: Error | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly place: string,
  ) {
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk) => this.take(chunk.toString('latin1')));
    socket.on('error', (error) => this.fail(error.message));
    socket.on('close', () => this.fail('the server closed the connection'));
  }

  /** @throws StationError HOST_UNREACHABLE, HOST_ACCESS_DENIED */
  static async open(server: GridftpServer): Promise<ControlChannel> {
    const place = `the GridFTP server ${server.address}:${server.port}`;
    const channel = new ControlChannel(await dial(server, place), place);
    await channel.expect(); // its greeting
    const asked = await channel.send(`USER ${server.user}`);
    const answer = asked.code === 331 ? await channel.send(`PASS ${server.password}`) : asked;
    if (answer.code !== 230) {
      channel.close();
      throw new StationError(
        'unavailable',
        'HOST_ACCESS_DENIED',
        `${place} does not let ${server.user} in: ${answer.text}. Check user and password of the destination.`,
        { retryable: false },
      );
    }
    return channel;
  }

  get isUsable(): boolean {
    return this.failure === undefined;
  }

  /** @throws StationError HOST_UNREACHABLE when the connection breaks before the answer. */
  send(command: string): Promise<Reply> {
    const reply = this.expect();
    if (this.failure === undefined) {
      this.socket.write(`${command}\r\n`, 'latin1');
    }
    return reply;
  }

  /** Several at once, adjacent: what belongs together, such as the two halves of a rename. */
  sendAll(commands: readonly string[]): Promise<Reply[]> {
    return Promise.all(commands.map((command) => this.send(command)));
  }

  close(): void {
    this.socket.end('QUIT\r\n');
    this.socket.unref();
    this.fail('closed');
  }

  private expect(): Promise<Reply> {
    if (this.failure !== undefined) {
      return Promise.reject(this.failure);
    }
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  private take(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    if (this.rest.length > LONGEST_LINE) {
      this.socket.destroy(new Error('a line without end'));
      return;
    }
    for (const line of lines) {
      this.lines.push(line.replace(/\r$/, ''));
      const last = /^(\d{3}) (.*)$/.exec(this.lines.at(-1) ?? '');
      if (last !== null) {
        const said = [...this.lines.slice(0, -1), last[2] ?? ''].map((one) => one.replace(/^\d{3}-/, ''));
        this.lines = [];
        this.waiting.shift()?.resolve({ code: Number(last[1]), text: said.join('\n').trim() });
      }
    }
  }

  private fail(reason: string): void {
    this.failure ??= unreachable(this.place, reason);
    for (const { reject } of this.waiting.splice(0)) {
      reject(this.failure);
    }
  }
}

function dial({ address, port }: GridftpServer, place: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, timeout: CONNECT_TIMEOUT_MS });
    const refuse = (reason: string): void => {
      socket.destroy();
      reject(unreachable(place, reason));
    };
    socket.once('timeout', () => refuse('no answer in time'));
    socket.once('error', (error) => refuse(error.message));
    socket.once('connect', () => {
      socket.removeAllListeners();
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

export function unreachable(place: string, reason: string): StationError {
  return new StationError(
    'unavailable',
    'HOST_UNREACHABLE',
    `The connection to ${place} could not be made or broke off: ${reason}. The work goes on when it is back; check the server and the network.`,
    { retryAfterSeconds: 5 },
  );
}
