import type { DocumentFact, Evidence, Finding, LedgerFact, ReplicaFact } from './evidence.ts';

const TEMPORARY = /(?:^|\/)\.dm-[^/]*\.part$/;
/**
 * Content of a copy that was published when the record of it was cut off, and that the source has replaced since: kept
 * on purpose, under the number of a row that exists (src/daq/README.md, rule 5 of what always holds).
 */
const UNRECORDED = /^system\/versions\/unrecorded-(\d+)\//;
/** Where a repair keeps the copy that it has replaced. */
const KEPT_DAMAGED = /^system\/audit\/damaged\//;

/** Compares what was found of an experiment with what must hold. Nothing in here reads or asks anything. */
export function judge(evidence: Evidence): Finding[] {
  const done = evidence.ledger.filter((row) => row.state === 'done' && row.reprocesses === null);
  return [
    ...lost(evidence, newestOf(done)),
    ...wrongCopies(evidence, done),
    ...doubles(evidence, done),
    ...unknownFiles(evidence),
    ...disagreements(evidence, done),
    ...unfinished(evidence),
  ];
}

/** Every source file's content is at its destination as the latest version, done. */
function lost({ sources, stored }: Evidence, newest: ReadonlyMap<string, LedgerFact>): Finding[] {
  const findings: Finding[] = [];
  for (const [path, md5Sum] of sources) {
    const row = newest.get(path);
    if (row === undefined) {
      findings.push({ breach: 'lost', path, detail: 'the ledger has no done version of it' });
    } else if (row.md5Sum !== md5Sum) {
      const detail = `the source is ${md5Sum}, its newest done version ${row.version} is ${row.md5Sum}`;
      findings.push({ breach: 'lost', path, detail });
    } else if (!stored.has(path)) {
      findings.push({ breach: 'lost', path, detail: 'done, but nothing lies at the destination' });
    }
  }
  return findings;
}

/** Every copy that is on record lies where the record says, with the digest of the ledger. */
function wrongCopies({ stored, replicas }: Evidence, done: readonly LedgerFact[]): Finding[] {
  const byRow = Map.groupBy(replicas, (replica) => replica.ledgerId);
  return done.flatMap((row): Finding[] => {
    const copies: ReplicaFact[] = byRow.get(row.id) ?? [];
    if (copies.length === 0) {
      return [
        { breach: 'phantom', path: row.path, detail: `version ${row.version} is done without any copy on record` },
      ];
    }
    return copies.flatMap(({ location, md5Sum }): Finding[] => {
      const found = stored.get(location);
      if (found === undefined) {
        return [{ breach: 'phantom', path: row.path, detail: `version ${row.version} should lie at ${location}` }];
      }
      return found === row.md5Sum && found === md5Sum
        ? []
        : [
            {
              breach: 'corrupt',
              path: location,
              detail: `${found}, but the ledger says ${row.md5Sum} of version ${row.version}, the replica ${md5Sum}`,
            },
          ];
    });
  });
}

/** One done row and one document for a version, and no version that repeats the one before. */
function doubles({ documents }: Evidence, done: readonly LedgerFact[]): Finding[] {
  const findings: Finding[] = [];
  for (const [what, facts] of [
    ['documents', documents],
    ['done rows', done],
  ] as const) {
    for (const group of Map.groupBy<string, DocumentFact | LedgerFact>(facts, keyOf).values()) {
      const [first] = group;
      if (group.length > 1 && first !== undefined) {
        const detail = `version ${first.version} has ${group.length} ${what}`;
        findings.push({ breach: 'duplicated', path: first.path, detail });
      }
    }
  }
  for (const [path, rows] of Map.groupBy(done, (row) => row.path)) {
    rows.sort((a, b) => (a.version ?? 0) - (b.version ?? 0));
    rows.forEach((row, index) => {
      const before = rows[index - 1];
      if (before !== undefined && before.md5Sum === row.md5Sum) {
        const detail = `versions ${before.version} and ${row.version} have the same content`;
        findings.push({ breach: 'duplicated', path, detail });
      }
    });
  }
  return findings;
}

/** No file in storage that nobody knows, and nothing half written. */
function unknownFiles({ stored, replicas, ledger, damaged }: Evidence): Finding[] {
  const known = new Set(replicas.map((replica) => replica.location));
  const rows = new Set(ledger.map((row) => row.id));
  return [...stored]
    .filter(([path]) => !known.has(path) && !rows.has(UNRECORDED.exec(path)?.[1] ?? ''))
    .filter(([path, md5Sum]) => !(KEPT_DAMAGED.test(path) && damaged.has(md5Sum)))
    .map(([path]) => ({
      breach: 'phantom',
      path,
      detail: TEMPORARY.test(path) ? 'a temporary file was left' : 'no record knows this file in storage',
    }));
}

/** The catalog has exactly the done versions. */
function disagreements({ documents, statistics }: Evidence, done: readonly LedgerFact[]): Finding[] {
  const rows = new Map(done.map((row) => [keyOf(row), row]));
  const cataloged = new Set(documents.map(keyOf));
  const findings: Finding[] = [];
  for (const document of documents) {
    const row = rows.get(keyOf(document));
    if (row === undefined) {
      const detail = `version ${document.version} is cataloged without a done row`;
      findings.push({ breach: 'phantom', path: document.path, detail });
    } else if (row.md5Sum !== document.md5Sum) {
      const detail = `the catalog says ${document.md5Sum} of version ${document.version}, the ledger ${row.md5Sum}`;
      findings.push({ breach: 'corrupt', path: document.path, detail });
    }
  }
  for (const [key, row] of rows) {
    if (!cataloged.has(key)) {
      const detail = `version ${row.version} is done and not in the catalog`;
      findings.push({ breach: 'lost', path: row.path, detail });
    }
  }
  if (statistics.countFiles !== documents.length) {
    const detail = `statistics count ${statistics.countFiles} files, the catalog holds ${documents.length}`;
    findings.push({ breach: 'other', path: '', detail });
  }
  return findings;
}

/** By now everything has come to an end, and nothing of it waits for a person. */
function unfinished({ ledger }: Evidence): Finding[] {
  return ledger
    .filter((row) => !['done', 'skipped', 'cancelled'].includes(row.state))
    .map((row) => ({ breach: 'other', path: row.path, detail: `still ${row.state}: ${row.reason ?? 'no reason'}` }));
}

function newestOf(done: readonly LedgerFact[]): Map<string, LedgerFact> {
  const newest = new Map<string, LedgerFact>();
  for (const row of done) {
    if ((newest.get(row.path)?.version ?? 0) < (row.version ?? 0)) {
      newest.set(row.path, row);
    }
  }
  return newest;
}

function keyOf({ path, version }: { path: string; version: number | null }): string {
  return `${version}:${path}`;
}
