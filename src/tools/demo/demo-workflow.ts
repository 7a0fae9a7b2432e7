/**
 * Three stages that hand results on: what the file is, what its digest is, and a summary that goes back into the
 * experiment. Only tools that every Linux has; each `$name` is a fact of the file or an output variable of a stage
 * before, and arrives as a value whatever the file is called.
 */
export const DEMO_WORKFLOW = {
  name: 'hdf5-summary',
  description: 'Identifies an HDF5 file, takes its digest, and leaves a summary beside the data',
  stages: {
    '010-IDENTIFY': {
      command:
        'printf "bytes %s\\n" "$(wc -c < "$filePath")"; printf "signature %s\\n" "$(od -An -tx1 -N8 < "$filePath" | tr -d " ")"',
      outputVariableRegexList: ['bytes (?P<nBytes>[0-9]+)', 'signature (?P<signature>[0-9a-f]{16})'],
    },
    '020-DIGEST': {
      command: 'md5sum < "$filePath"',
      outputVariableRegexList: ['(?P<digest>[0-9a-f]{32})'],
    },
    '030-SUMMARISE': {
      command:
        'printf "%s\\n" "file $experimentFilePath" "bytes $nBytes" "md5 $digest" "signature $signature" > "$resultsDirectory/$fileName.txt" && wc -c < "$resultsDirectory/$fileName.txt"',
      outputVariableRegexList: ['(?P<summaryBytes>[0-9]+)'],
    },
  },
  results: { directory: 'results', destDirectory: 'summaries' },
};

/** Where the result of a file lies, relative to the experiment, both in text form. */
export function summaryPath(fileName: string): string {
  return `analysis/summaries/${fileName}.txt`;
}
