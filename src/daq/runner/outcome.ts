import type { AcquisitionRepository } from '../acquisitions/acquisition.repository.js';
import type { LedgerRepository } from '../ledger/ledger.repository.js';

/** What a pass leaves on purpose; anything else that it reports is data that it could not get at. */
const NEVER_DATA = ['SYMBOLIC_LINK', 'NOT_A_REGULAR_FILE', 'DIRECTORY_LOOP', 'TEMPORARY_NAME'];

export interface Outcome {
  isFailure: boolean;
  message: string | null;
}

/** What a person should know at the end. Links and the like are only mentioned: they never were data. */
export async function outcomeOf(
  id: string,
  problems: readonly { path: string; code: string }[],
  acquisitions: AcquisitionRepository,
  ledger: LedgerRepository,
): Promise<Outcome> {
  const counts = (await acquisitions.counts([id])).get(id);
  const unreadable = problems.filter((problem) => !NEVER_DATA.includes(problem.code));
  const sentences: string[] = [];
  if (counts !== undefined && counts.quarantined > 0) {
    sentences.push(
      `${counts.quarantined} of ${counts.found} files are in quarantine and need a person: dm acquisition files ${id} --state quarantined`,
    );
  }
  const vanished = await ledger.countGivenUp(id);
  if (vanished > 0) {
    sentences.push(
      `${vanished} files were gone before they could be copied: dm acquisition files ${id} --state skipped`,
    );
  }
  const [first] = unreadable.length > 0 ? unreadable : problems;
  if (first !== undefined) {
    sentences.push(`${problems.length} entries of the directory were not taken, such as ${first.path} (${first.code})`);
  }
  return {
    isFailure: (counts?.quarantined ?? 0) > 0 || vanished > 0 || unreadable.length > 0,
    message: sentences.length === 0 ? null : sentences.join('; '),
  };
}
