import { Inject, Injectable } from '@nestjs/common';
import { Counter, type Registry } from 'prom-client';
import { METRICS } from '../platform/metrics/index.js';

/** `success`; `failed`: wrong name or password; `limited`: too many attempts; `refused`: anything else, as busy or down. */
export type LoginOutcome = 'success' | 'failed' | 'limited' | 'refused';

/** What monitoring sees of logins: many that fail or are limited mean that somebody guesses. */
@Injectable()
export class AuthMetrics {
  private readonly logins: Counter<'outcome'>;

  constructor(@Inject(METRICS) registry: Registry) {
    this.logins = new Counter({
      name: 'dm_auth_logins_total',
      help: 'Logins by outcome',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  countLogin(outcome: LoginOutcome): void {
    this.logins.inc({ outcome });
  }
}
