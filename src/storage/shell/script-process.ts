import type { ChildProcessByStdio } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { NulRecords, nulTerminated } from './nul-records.js';
import { type Field, MOST_COMPLAINTS } from './shell.port.js';

export type ScriptChild = ChildProcessByStdio<Writable, Readable, Readable>;

export interface ScriptEnd {
  /** The script reached its last line. */
  isWhole: boolean;
  exitCode: number | null;
  complaints: string;
}

/**
 * Speaks with a `bash -s`: gives it the script as one compound command, so that it has read all of it before the first
 * field, and takes what it says between two marks. What a login script of the account prints before is left out.
 */
export class ScriptProcess {
  private readonly mark = randomBytes(12).toString('hex');
  private complaints = '';
  private hasBegun = false;
  private isWhole = false;
  private readonly ended: Promise<number | null>;

  constructor(
    private readonly child: ScriptChild,
    script: string,
    fields: readonly Field[],
  ) {
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.complain(error.message);
        resolve(null);
      });
      child.once('close', (code) => resolve(code));
    });
    child.stderr.on('data', (chunk: Buffer) => this.complain(chunk.toString('latin1')));
    // A child that ends early closes the pipe; what that means is read from its end.
    child.stdin.on('error', () => undefined);
    child.stdin.end(
      Buffer.concat([
        Buffer.from(`{\nexport LC_ALL=C\nprintf '${this.mark}<\\0'\n${script}\nprintf '${this.mark}>\\0'\nexit 0\n}\n`),
        nulTerminated(fields),
      ]),
    );
  }

  /** The records of the script, as they come. */
  async *portions(): AsyncGenerator<Buffer[], void, void> {
    const splitter = new NulRecords();
    try {
      for await (const chunk of this.child.stdout) {
        const records = this.between(splitter.push(chunk as Buffer));
        if (records.length > 0) {
          yield records;
        }
      }
    } finally {
      if (!this.isWhole) {
        this.child.kill('SIGTERM');
      }
    }
  }

  async end(): Promise<ScriptEnd> {
    const exitCode = await this.ended;
    return { isWhole: this.isWhole && exitCode === 0, exitCode, complaints: this.complaints };
  }

  private between(records: Buffer[]): Buffer[] {
    let inside = records;
    if (!this.hasBegun) {
      const first = inside.findIndex((record) => record.toString('latin1').endsWith(`${this.mark}<`));
      if (first === -1) {
        return [];
      }
      this.hasBegun = true;
      inside = inside.slice(first + 1);
    }
    if (inside.at(-1)?.toString('latin1') === `${this.mark}>`) {
      this.isWhole = true;
      inside = inside.slice(0, -1);
    }
    return inside;
  }

  private complain(text: string): void {
    this.complaints += text.slice(0, MOST_COMPLAINTS - this.complaints.length);
  }
}
