import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import { pathToText } from '../../kernel/path-text.js';
import type { NewEvent } from '../../platform/events/index.js';
import { locationOf } from './file-location.js';
import type { FilePlugin, PipelineFile, PluginOutcome } from './file-plugin.port.js';

/**
 * Asks for the acquisition's workflow, by an event that commits together with the row: processing starts one job per
 * request key, so a file starts its workflow exactly once however often this step is repeated.
 */
@Injectable()
export class WorkflowPlugin implements FilePlugin {
  readonly name = 'workflow';
  readonly order = 300;
  readonly isBrief = true;

  appliesTo(file: PipelineFile): boolean {
    return file.acquisition.options.workflow !== null;
  }

  async process(files: readonly PipelineFile[]): Promise<PluginOutcome[]> {
    return files.map((file) => {
      const request = requestOf(file);
      return { kind: 'passed', ledgerId: file.row.id, events: request === undefined ? [] : [request] };
    });
  }
}

function requestOf(file: PipelineFile): NewEvent | undefined {
  const { row, experiment, acquisition } = file;
  const { workflow } = acquisition.options;
  if (workflow === null) {
    return undefined;
  }
  const path = pathToText(row.destinationPath);
  return {
    type: 'workflow.requested',
    experimentId: experiment.id,
    subject: path,
    data: {
      requestKey: `file:${row.id}:${workflow.owner}/${workflow.name}`,
      owner: workflow.owner,
      workflow: workflow.name,
      jobOwner: workflow.jobOwner,
      requestedBy: acquisition.startedBy,
      experimentId: experiment.id,
      experimentName: experiment.name,
      args: workflow.args,
      file: {
        ledgerId: row.id,
        catalogId: row.catalogId,
        path,
        absolutePath: pathToText(locationOf(file)),
        sourcePath: pathToText(row.sourcePath),
        sourceHost: row.sourceHost === hostname() ? null : row.sourceHost,
        sizeBytes: Number(row.sizeBytes),
        md5Sum: row.md5Sum,
        version: row.version,
        depth: acquisition.triggerDepth,
        madeByJob: acquisition.jobId,
      },
    },
  };
}
