import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/index.js';
import { CatalogModule } from '../catalog/index.js';
import { ExperimentsModule } from '../experiments/index.js';
import { CONFIG, type StationConfig } from '../platform/config/index.js';
import { Database } from '../platform/database/index.js';
import { StorageModule } from '../storage/index.js';
import { AcquisitionRepository } from './acquisitions/acquisition.repository.js';
import { AcquisitionsController } from './acquisitions/acquisitions.controller.js';
import { AcquisitionsService } from './acquisitions/acquisitions.service.js';
import { AUDIT_PARTS } from './audit/audit-parts.js';
import { AuditsController } from './audit/audits.controller.js';
import { ExitUploads } from './acquisitions/exit-uploads.js';
import { JobResults } from './acquisitions/job-results.js';
import { PluginsController } from './pipeline/plugins.controller.js';
import { PreflightCheck } from './acquisitions/preflight.js';
import { SourceAddresses } from './acquisitions/source-addresses.js';
import { SourceRoots } from './acquisitions/source-roots.js';
import { DaqMetrics } from './daq.metrics.js';
import { DirectoryUnits } from './ledger/directory-units.js';
import { Deletion } from './file-tasks/deletion.js';
import { DerivedFiles } from './file-tasks/derived-files.js';
import { FilePreview } from './file-tasks/file-preview.js';
import { FileTaskMetrics } from './file-tasks/file-task.metrics.js';
import { FileTaskRepository } from './file-tasks/file-task.repository.js';
import { FileTaskRunner } from './file-tasks/file-task-runner.js';
import { FileTasksController } from './file-tasks/file-tasks.controller.js';
import { FileTasksService } from './file-tasks/file-tasks.service.js';
import { FileWorker } from './file-tasks/file-worker.js';
import { Transformation } from './file-tasks/transformation.js';
import { LedgerActions } from './ledger/ledger-actions.js';
import { LedgerClaims } from './ledger/ledger-claims.js';
import { LedgerCounts } from './ledger/ledger-counts.js';
import { LedgerController } from './ledger/ledger.controller.js';
import { LedgerRepository } from './ledger/ledger.repository.js';
import { LedgerService } from './ledger/ledger.service.js';
import { QuarantineAlarms } from './ledger/quarantine-alarms.js';
import { ManifestController } from './manifest/manifest.controller.js';
import { ManifestReader } from './manifest/manifest-reader.js';
import { BatchListeners } from './pipeline/batch-listeners.js';
import { BatchOffers } from './pipeline/batch-offers.js';
import { BatchProcessor } from './pipeline/batch-processor.js';
import { CatalogPlugin } from './pipeline/catalog.plugin.js';
import { DirectoryPlugin } from './pipeline/directory.plugin.js';
import { FILE_PLUGINS, type FilePlugin } from './pipeline/file-plugin.port.js';
import { InterruptedWork } from './pipeline/interrupted-work.js';
import { LedgerFeeder } from './pipeline/ledger-feeder.js';
import { OutcomeJournal } from './pipeline/outcome-journal.js';
import { OutcomeRecords } from './pipeline/outcome-records.js';
import { Pipeline } from './pipeline/pipeline.js';
import { PipelineMetrics } from './pipeline/pipeline.metrics.js';
import { StrayClaims } from './pipeline/stray-claims.js';
import { TransferPlugin } from './pipeline/transfer.plugin.js';
import { WorkLanes } from './pipeline/work-lanes.js';
import { WorkflowPlugin } from './pipeline/workflow.plugin.js';
import { CopiesInCatalog } from './replication/copies-in-catalog.js';
import { CopyOrderRepository } from './replication/copy-order.repository.js';
import { CopyOrdering } from './replication/copy-ordering.js';
import { DestinationAlarms } from './replication/destination-alarms.js';
import { DestinationsController } from './replication/destinations.controller.js';
import { DestinationsService } from './replication/destinations.service.js';
import { ReplicationParts } from './replication/replication-parts.js';
import { Replication } from './replication/replication.js';
import { FileMetadataRecorder } from './plugins/file-metadata.js';
import { PluginMetrics } from './plugins/plugin.metrics.js';
import { PluginSet } from './plugins/plugin-set.js';
import { RemovalChecks } from './removal/removal-checks.js';
import { SourceRemovalRepository } from './removal/source-removal.repository.js';
import { SourceRemovals } from './removal/source-removals.js';
import { RunnerParts } from './runner/runner-parts.js';
import { Runners } from './runner/runners.js';
import { KERNEL_FACTS, readKernelFacts } from './source/kernel-facts.js';
import { SOURCE_TREES } from './source/source-tree.port.js';
import { ConfiguredSourceTrees } from './source/source-trees.js';
import { WatchHub } from './source/watch-hub.js';
import { WatchMetrics } from './source/watch.metrics.js';
import { OpenWork } from './vigilance/open-work.js';
import { Vigilance } from './vigilance/vigilance.js';

@Module({
  imports: [AuthModule, ExperimentsModule, StorageModule, CatalogModule],
  controllers: [
    AcquisitionsController,
    FileTasksController,
    LedgerController,
    ManifestController,
    AuditsController,
    PluginsController,
    DestinationsController,
  ],
  providers: [
    AcquisitionRepository,
    AcquisitionsService,
    ExitUploads,
    JobResults,
    PreflightCheck,
    SourceAddresses,
    SourceRoots,
    DirectoryUnits,
    LedgerActions,
    LedgerClaims,
    LedgerCounts,
    LedgerRepository,
    LedgerService,
    QuarantineAlarms,
    ManifestReader,
    ...AUDIT_PARTS,
    BatchListeners,
    BatchOffers,
    BatchProcessor,
    OutcomeJournal,
    StrayClaims,
    OutcomeRecords,
    Pipeline,
    PipelineMetrics,
    InterruptedWork,
    LedgerFeeder,
    WorkLanes,
    TransferPlugin,
    DirectoryPlugin,
    CatalogPlugin,
    WorkflowPlugin,
    FileMetadataRecorder,
    OpenWork,
    Vigilance,
    PluginMetrics,
    {
      provide: PluginSet,
      useFactory: (
        config: StationConfig,
        database: Database,
        recorder: FileMetadataRecorder,
        metrics: PluginMetrics,
        ...core: FilePlugin[]
      ) => PluginSet.assemble({ config, database, recorder, metrics, core }),
      inject: [
        CONFIG,
        Database,
        FileMetadataRecorder,
        PluginMetrics,
        TransferPlugin,
        DirectoryPlugin,
        CatalogPlugin,
        WorkflowPlugin,
      ],
    },
    { provide: FILE_PLUGINS, useFactory: (set: PluginSet) => set.plugins, inject: [PluginSet] },
    SourceRemovals,
    SourceRemovalRepository,
    RemovalChecks,
    FileTaskRepository,
    FileTaskMetrics,
    FilePreview,
    FileTaskRunner,
    FileTasksService,
    FileWorker,
    Deletion,
    DerivedFiles,
    Transformation,
    RunnerParts,
    Runners,
    { provide: KERNEL_FACTS, useFactory: readKernelFacts },
    WatchHub,
    WatchMetrics,
    { provide: SOURCE_TREES, useClass: ConfiguredSourceTrees },
    CopyOrderRepository,
    CopyOrdering,
    CopiesInCatalog,
    DestinationAlarms,
    DestinationsService,
    ReplicationParts,
    Replication,
    DaqMetrics,
  ],
})
export class DaqModule {}
