import type { TerminalOutput } from '../../cli/io.js';

const RULE_WIDTH = 78;

/** Tells the demo's story: numbered steps, indented facts, one moving line while something goes on. */
export class Narrator {
  private step = 0;
  private isMoving = false;

  constructor(private readonly output: TerminalOutput) {}

  title(text: string): void {
    this.line(`\n${this.bold(text)}\n${'─'.repeat(RULE_WIDTH)}`);
  }

  next(text: string): void {
    this.step += 1;
    this.line(`\n${this.bold(`${this.step}. ${text}`)}`);
  }

  say(text: string): void {
    this.line(text.replace(/^(?=.)/gm, '   '));
  }

  /** Drawn over at each call; only on a terminal. */
  moving(text: string): void {
    if (this.output.isTTY === true) {
      this.output.write(`\r\x1b[K   ${text.slice(0, Math.max(20, (this.output.columns || 80) - 4))}`);
      this.isMoving = true;
    }
  }

  verdict(isGood: boolean, text: string): void {
    const mark = isGood ? this.coloured('32', '✓') : this.coloured('31', '✗');
    this.line(`   ${mark} ${text}`);
  }

  private line(text: string): void {
    this.output.write(`${this.isMoving ? '\r\x1b[K' : ''}${text}\n`);
    this.isMoving = false;
  }

  private bold(text: string): string {
    return this.coloured('1', text);
  }

  private coloured(code: string, text: string): string {
    return this.output.isTTY === true ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}
