import { pathToText } from '../../kernel/path-text.js';
import { AT_SOURCE, PRIMARY } from '../../storage/index.js';
import { checksumLine, commentLine } from './checksum-line.js';
import { isGood, type ManifestCopy, type ManifestEntry } from './manifest-entry.js';

export type ChecksumProgram = 'md5sum' | 'sha256sum';

/**
 * The manifest as a list that `md5sum -c` or `sha256sum -c` checks in the experiment's directory. Only copies in the
 * storage area that are verified are lines of it, each after a comment with its evidence; every other file is a comment
 * with the reason. Those programs leave comments out, the heading and the sum at the end among them. A list without its
 * last line was cut off.
 */
export async function* checksumList(
  program: ChecksumProgram,
  experiment: { name: string; storageDirectory: string },
  entries: AsyncGenerator<ManifestEntry>,
  now: Date,
): AsyncGenerator<Buffer> {
  const directory = pathToText(Buffer.from(experiment.storageDirectory));
  yield commentLine(`Experiment ${experiment.name} on ${now.toISOString()}, in ${directory}`);
  yield commentLine(`Check it there with: ${program} --check --strict --quiet FILE`);
  let [files, unverified, bytes] = [0, 0, 0n];
  for await (const entry of entries) {
    const { line, isListed } = lineOf(program, entry);
    files += isListed ? 1 : 0;
    unverified += isListed ? 0 : 1;
    bytes += isListed ? entry.sizeBytes : 0n;
    yield line;
  }
  yield commentLine(`End: ${files} verified files with ${bytes} bytes, ${unverified} others`);
}

function lineOf(program: ChecksumProgram, entry: ManifestEntry): { line: Buffer; isListed: boolean } {
  const copy = entry.copies.find(({ destination }) => destination === PRIMARY);
  const digest = program === 'md5sum' ? entry.md5Sum : entry.sha256Sum;
  if (copy !== undefined && isGood(copy) && digest !== null) {
    const evidence = commentLine(evidenceOf(entry, copy));
    return { line: Buffer.concat([evidence, checksumLine(digest, copy.location)]), isListed: true };
  }
  const reason =
    copy === undefined
      ? entry.copies.some(({ destination }) => destination === AT_SOURCE)
        ? 'only recorded where it lies'
        : 'no copy in the storage area'
      : copy.trouble !== null
        ? `the copy is ${copy.trouble}`
        : isGood(copy)
          ? `no digest for ${program} yet`
          : `not verified, proof ${copy.proof}`;
  const text = `${reason}: version ${entry.version} of ${pathToText(entry.path)}`;
  return { line: commentLine(text), isListed: false };
}

/** How the copy in the storage area is known to be good, and where else the content is. */
function evidenceOf({ version, copies }: ManifestEntry, { proof, verifiedAt }: ManifestCopy): string {
  const places = copies.map((copy) =>
    isGood(copy) ? copy.destination : `${copy.destination} (${copy.trouble ?? `proof ${copy.proof}`})`,
  );
  return `version ${version}, proof ${proof}, verified ${verifiedAt.toISOString()}, copies: ${places.join(', ')}`;
}
