import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, type Principal } from '../../auth/index.js';
import { type Page, pageQuery } from '../../platform/http/index.js';
import { type WorkflowDefinition, workflowDefinitionSchema, workflowName } from './workflow-definition.schema.js';
import { workflowView, type WorkflowView } from './workflow.view.js';
import { WorkflowsService } from './workflows.service.js';
import type { z } from 'zod';

const listQuery = pageQuery.extend({ owner: workflowName.optional() });

@ApiTags('workflows')
@Controller('api/v1/workflows')
export class WorkflowsController {
  constructor(private readonly workflows: WorkflowsService) {}

  @Get()
  @ApiOperation({ summary: 'All workflow definitions, by owner and name' })
  async list(
    @CurrentPrincipal() principal: Principal,
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
  ): Promise<Page<WorkflowView>> {
    const page = await this.workflows.list(principal, query);
    return { ...page, items: page.items.map(workflowView) };
  }

  @Post()
  @ApiOperation({ summary: 'Define a workflow (station manager); its commands run on the station' })
  async create(
    @CurrentPrincipal() principal: Principal,
    @Body({ schema: workflowDefinitionSchema }) body: WorkflowDefinition,
  ): Promise<WorkflowView> {
    return workflowView(await this.workflows.create(principal, body));
  }

  @Get(':owner/:name')
  @ApiOperation({ summary: 'One definition, its stages in the order in which they run' })
  async get(
    @CurrentPrincipal() principal: Principal,
    @Param('owner', { schema: workflowName }) owner: string,
    @Param('name', { schema: workflowName }) name: string,
  ): Promise<WorkflowView> {
    return workflowView(await this.workflows.get(principal, owner, name));
  }

  @Put(':owner/:name')
  @ApiOperation({
    summary: 'Create or replace a definition (station manager); submitted jobs keep the one that they have',
  })
  async put(
    @CurrentPrincipal() principal: Principal,
    @Param('owner', { schema: workflowName }) owner: string,
    @Param('name', { schema: workflowName }) name: string,
    @Body({ schema: workflowDefinitionSchema }) body: WorkflowDefinition,
  ): Promise<WorkflowView> {
    return workflowView(await this.workflows.put(principal, owner, name, body));
  }

  @Delete(':owner/:name')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a definition (station manager); its jobs stay' })
  @ApiNoContentResponse()
  async delete(
    @CurrentPrincipal() principal: Principal,
    @Param('owner', { schema: workflowName }) owner: string,
    @Param('name', { schema: workflowName }) name: string,
  ): Promise<void> {
    await this.workflows.delete(principal, owner, name);
  }
}
