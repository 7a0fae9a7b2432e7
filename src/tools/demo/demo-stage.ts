import { ApiClient, apiPath } from '../../cli/api-client.js';
import type { ExperimentAnswer, LoginAnswer } from '../../cli/api-types.js';
import { safeLine } from '../../cli/safe-text.js';
import type { DemoStation } from './demo-station.js';
import { DEMO_WORKFLOW } from './demo-workflow.js';
import type { Narrator } from './narrator.js';

export const DEMO_EXPERIMENT = 'AgBeh-demo';
/** Given to both acquisitions; every file must carry it. */
export const DEMO_METADATA = { sample: 'AgBeh', link: 'https://example.org/agbeh' };

const USER = { username: 'ruth', firstName: 'Ruth', lastName: 'Ray', password: 'seven wet horses' };
const STRANGER = { username: 'stan', firstName: 'Stan', lastName: 'Stranger', password: 'eight dry donkeys' };

export interface Stage {
  experiment: ExperimentAnswer;
  /** Acts as a beamline scientist: PI of the experiment, and allowed to start acquisitions. */
  user: ApiClient;
  /** Has an account and belongs to no experiment. */
  stranger: ApiClient;
}

/** What an administrator prepares once: experiment, people, workflow. */
export async function setTheStage(narrator: Narrator, station: DemoStation): Promise<Stage> {
  narrator.next('Create an experiment, a user and a workflow');
  const { address } = station;
  const admin = await logIn(address, 'admin', await station.administratorPassword());
  const experiment = await admin.post<ExperimentAnswer>('/experiments', {
    name: DEMO_EXPERIMENT,
    description: 'Silver behenate, seen by two detectors',
  });
  await admin.post('/users', USER);
  await admin.post('/users', STRANGER);
  await admin.put(apiPath`/users/${USER.username}/roles/operator`);
  await admin.put(apiPath`/experiments/${DEMO_EXPERIMENT}/members/${USER.username}`, { role: 'PI' });
  await admin.post('/workflows', { ...DEMO_WORKFLOW, owner: 'admin' });
  narrator.say(
    [
      `experiment ${DEMO_EXPERIMENT} in ${safeLine(experiment.storageDirectory)}`,
      `user ${USER.username}, PI of it and operator; from here on all is done as ${USER.username}`,
      `workflow admin/${DEMO_WORKFLOW.name}: ${Object.keys(DEMO_WORKFLOW.stages).join(' → ')} → its result is uploaded`,
    ].join('\n'),
  );
  return {
    experiment,
    user: await logIn(address, USER.username, USER.password),
    stranger: await logIn(address, STRANGER.username, STRANGER.password),
  };
}

async function logIn(address: string, username: string, password: string): Promise<ApiClient> {
  const { token } = await new ApiClient({ address }).post<LoginAnswer>('/auth/login', { username, password });
  return new ApiClient({ address, token });
}
