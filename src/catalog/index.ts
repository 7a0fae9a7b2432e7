export { CatalogModule } from './catalog.module.js';
export { type CatalogConfig, catalogConfigSchema } from './catalog.config.js';
export { CatalogService } from './catalog.service.js';
export type { CatalogFile, FileStatistics, Metadata, NewCatalogFile, Replica } from './catalog-file.js';
export {
  FILE_CATALOG,
  type FileCatalog,
  type FilePage,
  type FileQuery,
  type UpsertOptions,
  type UpsertResult,
} from './file-catalog.port.js';
export type { Filter } from './filter/filter-ast.js';
export { MAX_FILTER_CHARACTERS } from './filter/parse-filter.js';
export { parseFilter, parseFilterText } from './filter/parse-filter.js';
export { type FileSort, parseSort } from './file-sort.js';
export { type ExecutableOutput, parseExecutableOutput } from './readers/executable/executable-output.js';
export { type Executable, runOnFile } from './readers/executable/run-on-file.js';
