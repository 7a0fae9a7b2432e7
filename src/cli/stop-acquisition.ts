import { aboutAcquisition, isEnded } from './acquisition-view.js';
import { type ApiClient, apiPath } from './api-client.js';
import type { AcquisitionAnswer } from './api-types.js';
import type { CliContext } from './context.js';
import { safeLine } from './safe-text.js';
import { waitUntilFinished } from './wait.js';

export const WAIT_FOR_STOP_HELP = 'until it has ended; then say the last file and why';

/** Asks for the stop; with `isAwaited` shows how it ended. `name`: what people call it, `DAQ` or `Acquisition`. */
export async function stopAcquisition(
  context: CliContext,
  client: ApiClient,
  { id, name, isAwaited }: { id: string; name: string; isAwaited: boolean },
): Promise<void> {
  const answer = await client.post<AcquisitionAnswer>(apiPath`/acquisitions/${id}/stop`);
  if (!isAwaited) {
    context.print(answer, () => `${name} ${safeLine(id)} is ${safeLine(answer.status)}.`);
    return;
  }
  const ended = await waitUntilFinished({
    read: () => client.get<AcquisitionAnswer>(apiPath`/acquisitions/${id}`),
    isFinished: isEnded,
  });
  context.print(ended, () => aboutAcquisition(ended));
}
