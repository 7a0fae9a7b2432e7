import { inStageOrder } from './stage-order.js';
import type { Workflow } from './workflow.repository.js';

export type WorkflowView = Record<string, unknown> & { id: string; owner: string; name: string };

/** A workflow as the API answers it: the definition as it was given, stages in the order in which they run. */
export function workflowView(workflow: Workflow): WorkflowView {
  const { definition } = workflow;
  return {
    ...definition,
    id: workflow.id,
    owner: workflow.owner,
    name: workflow.name,
    stages: Object.fromEntries(
      inStageOrder(Object.keys(definition.stages)).map((key) => [key, definition.stages[key]]),
    ),
    revision: workflow.revision,
    createdAt: workflow.createdAt.toISOString(),
    updatedAt: workflow.updatedAt.toISOString(),
    updatedBy: workflow.updatedBy,
  };
}
