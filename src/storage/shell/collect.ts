import type { ShellAnswer } from './shell.port.js';

/** Gathers a stream of portions into one answer. */
export async function collect(
  open: (onComplaints: (text: string) => void) => AsyncGenerator<Buffer[], void, void>,
): Promise<ShellAnswer> {
  let complaints = '';
  const records: Buffer[] = [];
  for await (const portion of open((text) => (complaints = text))) {
    records.push(...portion);
  }
  return { records, complaints };
}
