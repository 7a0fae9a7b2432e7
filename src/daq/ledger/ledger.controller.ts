import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { AccessService, CurrentPrincipal, type Principal } from '../../auth/index.js';
import { experimentNameParam, ExperimentsService } from '../../experiments/index.js';
import type { Page } from '../../platform/http/index.js';
import { ledgerQuery, whyQuery } from '../acquisitions/acquisition.schema.js';
import type { FileWhy } from './file-why.js';
import {
  LedgerActions,
  type LedgerActionBody,
  ledgerActionBody,
  type LedgerActionResult,
  ledgerActionSchema,
} from './ledger-actions.js';
import type { LedgerRowView } from './ledger-row.view.js';
import { LedgerService } from './ledger.service.js';

@ApiTags('ledger')
@Controller('api/v1/experiments/:name')
export class LedgerController {
  constructor(
    private readonly access: AccessService,
    private readonly experiments: ExperimentsService,
    private readonly ledger: LedgerService,
    private readonly actions: LedgerActions,
  ) {}

  @Get('ledger')
  @ApiOperation({ summary: 'Every file version that was seen for an experiment, and where it stands; newest first' })
  async list(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Query({ schema: ledgerQuery }) query: z.infer<typeof ledgerQuery>,
  ): Promise<Page<LedgerRowView>> {
    return this.ledger.list({ experimentId: await this.readable(principal, name) }, query);
  }

  @Get('why')
  @ApiOperation({ summary: 'Where a file is and why: a verdict, its versions, their timelines' })
  async why(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Query({ schema: whyQuery }) query: z.infer<typeof whyQuery>,
  ): Promise<FileWhy> {
    return this.ledger.why(await this.readable(principal, name), query.path);
  }

  @Post('ledger/actions')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Retry what failed, release from quarantine, accept what collided as a version, or skip with a reason',
    description: 'For one file, an acquisition, or all that stand where they stand for one reason.',
  })
  @ApiOkResponse({ standardSchema: ledgerActionSchema })
  async act(
    @CurrentPrincipal() principal: Principal,
    @Param('name', { schema: experimentNameParam }) name: string,
    @Body({ schema: ledgerActionBody }) body: LedgerActionBody,
  ): Promise<LedgerActionResult> {
    const { id } = await this.experiments.getByName(principal, name);
    return this.actions.act(principal, id, body);
  }

  private async readable(principal: Principal, name: string): Promise<number> {
    const { id } = await this.experiments.getByName(principal, name);
    await this.access.require(principal, 'file.read', { experimentId: id });
    return id;
  }
}
