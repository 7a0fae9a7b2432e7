export { ProcessingModule } from './processing.module.js';
export { type ProcessingConfig, processingConfigSchema } from './processing.config.js';
export { WorkflowsService } from './definitions/workflows.service.js';
export { type WorkflowDefinition, workflowDefinitionSchema } from './definitions/workflow-definition.schema.js';
export { workflowView, type WorkflowView } from './definitions/workflow.view.js';
export { JobsService } from './jobs/jobs.service.js';
export type { JobStatus } from './jobs/job.js';
export type { ChildProcessView, JobSummary, JobView, StageView } from './jobs/job.view.js';
export type { JobWhy } from './jobs/job-why.js';
