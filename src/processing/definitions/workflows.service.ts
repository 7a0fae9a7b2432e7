import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { objectId } from '../../kernel/ids.js';
import { StationError } from '../../kernel/errors.js';
import { AccessService, type Principal } from '../../auth/index.js';
import { Alarms } from '../../platform/alarms/index.js';
import { decodeCursor, type Page, pageOf, type PageQuery } from '../../platform/http/index.js';
import { workflowAlarmKeys } from './workflow-alarms.js';
import type { WorkflowDefinition } from './workflow-definition.schema.js';
import { type Workflow, WorkflowRepository } from './workflow.repository.js';

const cursorSchema = z.tuple([z.string(), z.string()]);

export function workflowNotFound(owner: string, name: string): StationError {
  return new StationError(
    'not-found',
    'WORKFLOW_NOT_FOUND',
    `There is no workflow ${owner}/${name}; GET /api/v1/workflows lists those there are.`,
    {
      details: { owner, name },
    },
  );
}

/** Workflow definitions: everybody reads them, the station manager writes them, since their commands run on the station. */
@Injectable()
export class WorkflowsService {
  constructor(
    private readonly workflows: WorkflowRepository,
    private readonly access: AccessService,
    private readonly alarms: Alarms,
  ) {}

  async list(principal: Principal, query: PageQuery & { owner?: string | undefined }): Promise<Page<Workflow>> {
    await this.access.require(principal, 'workflow.read');
    const after = decodeCursor(query.cursor, cursorSchema);
    const found = await this.workflows.list(after, query.owner, query.limit + 1);
    return pageOf(found, query.limit, (last) => [last.owner, last.name]);
  }

  async get(principal: Principal, owner: string, name: string): Promise<Workflow> {
    await this.access.require(principal, 'workflow.read');
    const workflow = await this.workflows.find(owner, name);
    if (workflow === undefined) {
      throw workflowNotFound(owner, name);
    }
    return workflow;
  }

  /** @throws StationError WORKFLOW_EXISTS; use `put` to replace. */
  async create(principal: Principal, definition: WorkflowDefinition): Promise<Workflow> {
    await this.access.require(principal, 'workflow.define');
    const owner = definition.owner ?? principal.username;
    const workflow = await this.workflows.insert(objectId(), owner, asStored(definition, owner), principal.username);
    if (workflow === undefined) {
      throw new StationError(
        'conflict',
        'WORKFLOW_EXISTS',
        `There is a workflow ${owner}/${definition.name}; replace it with PUT, or choose another name.`,
        {
          details: { owner, name: definition.name },
        },
      );
    }
    await this.clearAlarms(owner, definition.name);
    return workflow;
  }

  /** Creates or replaces. Jobs that were submitted before keep the definition that they were submitted with. */
  async put(principal: Principal, owner: string, name: string, definition: WorkflowDefinition): Promise<Workflow> {
    await this.access.require(principal, 'workflow.define');
    if (definition.name !== name || (definition.owner ?? owner) !== owner) {
      throw new StationError(
        'invalid',
        'WORKFLOW_NAME_MISMATCH',
        `The definition is of ${definition.owner ?? owner}/${definition.name}, the address of ${owner}/${name}; make them agree.`,
      );
    }
    const workflow = await this.workflows.put(objectId(), owner, asStored(definition, owner), principal.username);
    await this.clearAlarms(owner, name);
    return workflow;
  }

  async delete(principal: Principal, owner: string, name: string): Promise<void> {
    await this.access.require(principal, 'workflow.define');
    if (!(await this.workflows.delete(owner, name))) {
      throw workflowNotFound(owner, name);
    }
    await this.clearAlarms(owner, name);
  }

  private async clearAlarms(owner: string, name: string): Promise<void> {
    const keys = workflowAlarmKeys(owner, name);
    await this.alarms.clear(keys.missing);
    await this.alarms.clear(keys.cycle);
  }
}

/** Keys that the API adds to an answer; whoever sends an answer back as a definition does not mean to define them. */
const ANSWERED_KEYS = new Set(['id', 'revision', 'createdAt', 'updatedAt', 'updatedBy']);

function asStored(definition: WorkflowDefinition, owner: string): WorkflowDefinition {
  const kept = Object.fromEntries(Object.entries(definition).filter(([key]) => !ANSWERED_KEYS.has(key)));
  return { ...kept, name: definition.name, stages: definition.stages, owner };
}
