import { Global, Module } from '@nestjs/common';
import { AuthModule, MEMBERSHIP } from '../auth/index.js';
import { ExperimentCreationService } from './experiment-creation.service.js';
import { ExperimentDirectories } from './experiment-directories.js';
import { ExperimentMemberRepository } from './experiment-member.repository.js';
import { ExperimentMembersController } from './experiment-members.controller.js';
import { ExperimentMembersService } from './experiment-members.service.js';
import { ExperimentRemovalRepository } from './experiment-removal.repository.js';
import { ExperimentRemovalService } from './experiment-removal.service.js';
import { ExperimentTypesController } from './experiment-types.controller.js';
import { ExperimentTypesService } from './experiment-types.service.js';
import { ExperimentUsage } from './experiment-usage.js';
import { ExperimentRepository } from './experiment.repository.js';
import { ExperimentsController } from './experiments.controller.js';
import { ExperimentsService } from './experiments.service.js';

/** Answers auth's question who belongs to which experiment. Global and apart, since auth cannot import experiments. */
@Global()
@Module({
  providers: [ExperimentMemberRepository, { provide: MEMBERSHIP, useExisting: ExperimentMemberRepository }],
  exports: [ExperimentMemberRepository, MEMBERSHIP],
})
export class MembershipModule {}

@Module({
  imports: [AuthModule, MembershipModule],
  controllers: [ExperimentsController, ExperimentMembersController, ExperimentTypesController],
  providers: [
    ExperimentCreationService,
    ExperimentDirectories,
    ExperimentMembersService,
    ExperimentRemovalRepository,
    ExperimentRemovalService,
    ExperimentRepository,
    ExperimentTypesService,
    ExperimentUsage,
    ExperimentsService,
  ],
  exports: [
    ExperimentCreationService,
    ExperimentMembersService,
    ExperimentRemovalService,
    ExperimentTypesService,
    ExperimentUsage,
    ExperimentsService,
  ],
})
export class ExperimentsModule {}
