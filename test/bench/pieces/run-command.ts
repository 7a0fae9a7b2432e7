import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { BenchProblem } from './bench-problem.ts';

/** Runs a program to its end, with its output into a file when one is named. @throws BenchProblem when it fails. */
export async function runCommand(command: string, args: readonly string[], outputFile?: string): Promise<void> {
  const output = openSync(outputFile ?? '/dev/null', 'w');
  try {
    const child = spawn(command, args, { stdio: ['ignore', output, 'pipe'] });
    let complaints = '';
    child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) {
      throw new BenchProblem(`${[command, ...args].join(' ')} ended with ${code}: ${complaints.trim()}`);
    }
  } finally {
    closeSync(output);
  }
}
