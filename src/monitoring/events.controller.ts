import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { AccessService, CurrentPrincipal, type Principal, RequestAuthenticator } from '../auth/index.js';
import { StationError } from '../kernel/errors.js';
import { EventLog, EventStore } from '../platform/events/index.js';
import { EventStream } from './event-stream.js';

const eventsQuery = z.object({
  /** Comma list of event types, such as `files.done,job.finished`; all by default. */
  types: z
    .string()
    .max(2000)
    .transform((text) => text.split(','))
    .optional(),
  /** Begin after this event; the header Last-Event-ID, which browsers send when they reconnect, wins. */
  after: z.coerce.number().int().min(0).optional(),
});

@ApiTags('monitoring')
@Controller('api/v1/events')
export class EventsController {
  constructor(
    private readonly access: AccessService,
    private readonly authenticator: RequestAuthenticator,
    private readonly log: EventLog,
    private readonly store: EventStore,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The event feed as server-sent events, from now on or resumed after an event' })
  @ApiHeader({ name: 'Last-Event-ID', required: false })
  @ApiProduces('text/event-stream')
  async follow(
    @CurrentPrincipal() principal: Principal,
    @Query({ schema: eventsQuery }) query: z.infer<typeof eventsQuery>,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await this.access.require(principal, 'event.read');
    const afterId = resumePoint(request) ?? query.after ?? (await this.store.latestId());
    await new EventStream(this.log, this.store, response).run({
      afterId,
      ...(query.types === undefined ? {} : { types: query.types }),
      visible: async () => {
        if ((await this.authenticator.authenticate(request)) === null) {
          throw new StationError(
            'unauthenticated',
            'SESSION_EXPIRED',
            'The session ended while the stream was open; log in again.',
          );
        }
        return this.access.visibleExperiments(principal);
      },
    });
  }
}

function resumePoint(request: Request): number | undefined {
  const header = request.headers['last-event-id'];
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
