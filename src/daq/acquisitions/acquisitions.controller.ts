import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { CurrentPrincipal, type Principal } from '../../auth/index.js';
import type { Page } from '../../platform/http/index.js';
import { LedgerService } from '../ledger/ledger.service.js';
import type { LedgerRowView } from '../ledger/ledger-row.view.js';
import {
  acquisitionId,
  acquisitionsQuery,
  type ClearAcquisitionsBody,
  clearAcquisitionsBody,
  ledgerQuery,
  startAcquisitionBody,
  type StartAcquisitionBody,
} from './acquisition.schema.js';
import { AcquisitionsService, type StartedAcquisition } from './acquisitions.service.js';
import type { AcquisitionView } from './acquisition.view.js';

@ApiTags('acquisitions')
@Controller('api/v1/acquisitions')
export class AcquisitionsController {
  constructor(
    private readonly acquisitions: AcquisitionsService,
    private readonly ledger: LedgerService,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Start an upload (one pass over a directory) or a monitor (a DAQ: keeps watching it)',
    description: 'The answer holds a preflight verdict: `warning` means that it started but something wants your look.',
  })
  start(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: startAcquisitionBody }) body: StartAcquisitionBody,
  ): Promise<StartedAcquisition> {
    return this.acquisitions.start(principal, body);
  }

  @Get()
  @ApiOperation({ summary: 'Acquisitions, newest first; `status=active` for those that are not over' })
  list(
    @CurrentPrincipal() principal: Principal,
    @Query({ schema: acquisitionsQuery }) query: z.infer<typeof acquisitionsQuery>,
  ): Promise<Page<AcquisitionView>> {
    return this.acquisitions.list(principal, query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One acquisition with its counts' })
  get(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: acquisitionId }) id: string,
  ): Promise<AcquisitionView> {
    return this.acquisitions.get(principal, id);
  }

  @Post(':id/stop')
  @HttpCode(202)
  @ApiOperation({ summary: 'Stop it: a monitor finishes what it has found, an upload cancels what it has not begun' })
  stop(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: acquisitionId }) id: string,
  ): Promise<AcquisitionView> {
    return this.acquisitions.stop(principal, id);
  }

  @Post(':id/resume')
  @ApiOperation({ summary: 'Start again what an ended acquisition left, with its options and linked to it' })
  resume(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: acquisitionId }) id: string,
  ): Promise<StartedAcquisition> {
    return this.acquisitions.resume(principal, id);
  }

  @Post('clear')
  @HttpCode(200)
  @ApiOperation({ summary: 'Take ended acquisitions off the list; `cleared=true` lists them all the same' })
  clearEnded(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: clearAcquisitionsBody }) body: ClearAcquisitionsBody,
  ): Promise<{ cleared: number }> {
    return this.acquisitions.clearEnded(principal, body);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove the record of an ended acquisition that brought no files' })
  clear(@CurrentPrincipal() principal: Principal, @Param('id', { schema: acquisitionId }) id: string): Promise<void> {
    return this.acquisitions.clear(principal, id);
  }

  @Get(':id/files')
  @ApiOperation({ summary: 'The ledger rows of an acquisition, newest first' })
  async files(
    @CurrentPrincipal() principal: Principal,
    @Param('id', { schema: acquisitionId }) id: string,
    @Query({ schema: ledgerQuery }) query: z.infer<typeof ledgerQuery>,
  ): Promise<Page<LedgerRowView>> {
    const acquisition = await this.acquisitions.require(principal, id);
    return this.ledger.list({ acquisitionId: acquisition.id, experimentId: acquisition.experimentId }, query);
  }
}
