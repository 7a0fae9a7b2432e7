import { ApiClient } from './api-client.js';
import { CliExit, EXIT, type ExitCode, usageError } from './exit-codes.js';
import type { CliIo } from './io.js';
import { confirm } from './prompt.js';
import { configDirectory, SessionStore } from './session-store.js';
import { type Column, table } from './table.js';

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  url?: string;
  json?: boolean;
  yes?: boolean;
}

const DEFAULT_ADDRESS = 'http://127.0.0.1:22236';

/** What a command has at hand: the station, the terminal, and the one way in which results are shown. */
export class CliContext {
  readonly sessions: SessionStore;
  /** Set by commands that work and whose news is bad (files failed, a station that is not ready). */
  exitCode: ExitCode = EXIT.ok;

  constructor(
    readonly io: CliIo,
    /** Read when first needed: they are known only once the command line has been parsed. */
    private readonly globalOptions: () => GlobalOptions,
  ) {
    this.sessions = new SessionStore(configDirectory(io.environment));
  }

  get isJson(): boolean {
    return this.globalOptions().json === true;
  }

  /** The station's address: `--url`, else DM_URL, else this machine. */
  get address(): string {
    const text = this.globalOptions().url ?? (this.io.environment['DM_URL'] || DEFAULT_ADDRESS);
    if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
      throw usageError(`"${text}" is no station address; write for example http://beamline-server:22236.`);
    }
    return text.replace(/\/+$/, '');
  }

  /** DM_TOKEN, which machines use in place of a login. */
  get machineToken(): string | undefined {
    return this.io.environment['DM_TOKEN'] || undefined;
  }

  /** A client with what this account is known by; commands that work without login pass `isLoginNeeded: false`. */
  async client({ isLoginNeeded = true } = {}): Promise<ApiClient> {
    const token = this.machineToken ?? (await this.sessions.load(this.address))?.token;
    if (token === undefined && isLoginNeeded) {
      throw new CliExit(
        EXIT.unauthenticated,
        'NOT_LOGGED_IN',
        `You are not logged in at ${this.address}, or the login has expired: "dm login". Scripts set DM_TOKEN ("dm token create").`,
      );
    }
    return new ApiClient({ address: this.address, token });
  }

  /** The one result of a command: a JSON document for machines, `text` for people. */
  print(document: unknown, text: () => string): void {
    this.line(this.isJson ? JSON.stringify(document ?? null, null, 2) : text());
  }

  /** One element of a stream of results: a line of NDJSON, or a line of text. */
  printElement(document: unknown, text: () => string): void {
    this.line(this.isJson ? JSON.stringify(document) : text());
  }

  /**
   * A list, up to `limit` items of it; says on stderr when there are more. `none` is the sentence for an empty one.
   */
  async printList<Row>(
    client: ApiClient,
    path: string,
    options: {
      query?: Record<string, string | number | boolean | undefined>;
      limit: number | undefined;
      columns: readonly Column<Row>[];
      none: string;
    },
  ): Promise<void> {
    const limit = options.limit ?? 100;
    const items: Row[] = [];
    let hasMore = false;
    for await (const item of client.items<Row>(path, options.query, limit + 1)) {
      if (items.length === limit) {
        hasMore = true;
        break;
      }
      items.push(item);
    }
    if (items.length === 0 && !this.isJson) {
      this.remark(options.none);
      return;
    }
    this.print({ items, hasMore }, () => table(items, options.columns));
    if (hasMore) {
      this.remark(`These are the first ${limit}; --limit shows more.`);
    }
  }

  /** Something worth knowing that is not the result: stderr, and not a word where a machine reads. */
  remark(sentence: string): void {
    if (!this.isJson) {
      this.io.stderr.write(`${sentence}\n`);
    }
  }

  confirm(consequence: string): Promise<void> {
    return confirm(this.io, this.globalOptions().yes === true, consequence);
  }

  /** The experiment a command is about: `--experiment`, else DM_EXPERIMENT. */
  experiment(option: string | undefined): string {
    const name = option ?? this.io.environment['DM_EXPERIMENT'];
    if (name === undefined || name === '') {
      throw usageError('Which experiment? Say --experiment NAME, or set DM_EXPERIMENT.');
    }
    return name;
  }

  private line(text: string): void {
    this.io.stdout.write(`${text}\n`);
  }
}
