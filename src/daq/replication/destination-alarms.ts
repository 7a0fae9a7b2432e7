import { Injectable } from '@nestjs/common';
import { Alarms } from '../../platform/alarms/index.js';
import type { Destination } from '../../storage/index.js';
import { CopyOrderRepository } from './copy-order.repository.js';

/** What is the matter with a destination, said once and cleared when it is over. */
@Injectable()
export class DestinationAlarms {
  /** What this run of the station has said last of each key, so that looking again writes nothing. */
  private readonly said = new Map<string, string>();

  constructor(
    private readonly alarms: Alarms,
    private readonly orders: CopyOrderRepository,
  ) {}

  /** `reason`: why nothing can be copied there now; undefined when it can. */
  async trouble(destination: Destination, reason: string | undefined): Promise<void> {
    await this.say(troubleKey(destination), reason ?? '', {
      severity: destination.isRequired ? 'critical' : 'warning',
      message: `The destination ${destination.name} takes no copies: ${reason ?? ''}`,
      action: `Mend that; the copies that wait for it are made by themselves, those in quarantine by: dm destination retry ${destination.name}. The primary copies are not affected.`,
    });
  }

  /** As far as this run of the station has said. */
  isInTrouble(destination: Destination): boolean {
    return (this.said.get(troubleKey(destination)) ?? '') !== '';
  }

  async quarantine(destination: Destination): Promise<void> {
    const counts = (await this.orders.counts()).find((one) => one.destination === destination.name);
    const files = counts?.quarantinedFiles ?? 0;
    await this.say(`storage.copies-quarantined:${destination.name}`, files === 0 ? '' : String(files), {
      severity: 'warning',
      message: `${files} copies to ${destination.name} could not be made and need a person.`,
      action: `Look at dm file why PATH of one of them; when its cause is gone: dm destination retry ${destination.name}`,
    });
  }

  private async say(
    key: string,
    state: string,
    alarm: { severity: 'warning' | 'critical'; message: string; action: string },
  ): Promise<void> {
    if (this.said.get(key) === state) {
      return;
    }
    await (state === '' ? this.alarms.clear(key) : this.alarms.raise({ key, ...alarm }));
    this.said.set(key, state);
  }
}

function troubleKey({ name }: Destination): string {
  return `storage.destination-absent:${name}`;
}
