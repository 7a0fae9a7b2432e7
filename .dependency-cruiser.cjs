/**
 * The borders inside the station. Each rule says why it is there; `npm run check` fails where one is crossed.
 *
 *   main, app, cli → processing, daq → catalog → storage, experiments → auth → platform → kernel
 */

const SPEC = '\\.spec\\.ts$';
const BUSINESS = 'auth|experiments|storage|catalog|daq|processing|monitoring|compat';

/** `module` may import only from itself, `allowed`, platform and kernel. */
function layer(module, allowed, comment) {
  const others = BUSINESS.split('|').filter((name) => name !== module && !allowed.includes(name));
  return {
    name: `layer-${module}`,
    comment,
    severity: 'error',
    from: { path: `^src/${module}/`, pathNot: SPEC },
    to: { path: `^src/(${[...others, 'station', 'cli', 'tools', 'main', 'app\\.module'].join('|')})(/|\\.ts$)` },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      comment:
        'Under ESM a cycle between decorated classes crashes when it is loaded ("Cannot access before initialization"). Edges of types only are gone at run time and may close a circle.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'not-to-unresolvable',
      comment: 'An import that resolves to nothing fails at the first start, if not before.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'through-the-index',
      comment:
        'What a module offers to the others is what its index.ts exports; everything else may change without asking them.',
      severity: 'error',
      from: { path: `^src/(${BUSINESS})/`, pathNot: SPEC },
      to: { path: `^src/(${BUSINESS})/`, pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$'] },
    },
    {
      name: 'composition-through-the-index',
      comment: 'Composition roots (`station/` is one) wire modules; they need nothing but what those offer.',
      severity: 'error',
      from: { path: '^src/(station/|[^/]+\\.ts$)', pathNot: SPEC },
      to: { path: `^src/(${BUSINESS})/`, pathNot: '^src/[^/]+/(index|entities)\\.ts$' },
    },
    {
      name: 'platform-through-the-index',
      comment: 'The same for the areas of the platform.',
      severity: 'error',
      from: { path: '^src/', pathNot: [SPEC, '^src/platform/'] },
      to: { path: '^src/platform/[^/]+/', pathNot: '^src/platform/[^/]+/index\\.ts$' },
    },
    {
      name: 'platform-areas-through-the-index',
      comment: 'And for its areas among each other.',
      severity: 'error',
      from: { path: '^src/platform/([^/]+)/', pathNot: SPEC },
      to: { path: '^src/platform/[^/]+/', pathNot: ['^src/platform/$1/', '^src/platform/[^/]+/index\\.ts$'] },
    },
    {
      name: 'platform-knows-no-business',
      comment: 'Technology without business: it can be understood, tested and replaced alone.',
      severity: 'error',
      from: { path: '^src/platform/', pathNot: SPEC },
      to: { path: '^src/', pathNot: ['^src/platform/', '^src/kernel/'] },
    },
    {
      name: 'kernel-is-pure',
      comment: 'The kernel is plain TypeScript that everybody may import: no framework, no package, no other module.',
      severity: 'error',
      from: { path: '^src/kernel/', pathNot: SPEC },
      to: { pathNot: '^src/kernel/', dependencyTypesNot: ['core'] },
    },
    layer(
      'auth',
      [],
      'auth decides who may do what for all others, so it can depend on none of them; it asks through ports.',
    ),
    layer('experiments', ['auth', 'storage'], 'Experiments know who may see them and where their directories are.'),
    layer(
      'storage',
      ['auth', 'experiments'],
      'Storage keeps bytes and their proof; catalogs and acquisitions build on it.',
    ),
    layer(
      'catalog',
      ['auth', 'experiments', 'storage'],
      'The catalog describes what storage keeps, whoever brought it.',
    ),
    layer(
      'daq',
      ['auth', 'experiments', 'storage', 'catalog'],
      'daq starts jobs, and learns of results, by events: never by import.',
    ),
    layer(
      'processing',
      ['auth', 'experiments', 'storage', 'catalog'],
      'processing hands results to daq by events: never by import.',
    ),
    {
      name: 'cli-speaks-rest',
      comment: 'The CLI may run on another machine than the station: all that it knows of it is the web interface.',
      severity: 'error',
      from: { path: '^src/cli(/|\\.ts$)', pathNot: SPEC },
      to: { path: '^src/', pathNot: ['^src/cli(/|\\.ts$)', '^src/kernel/', '^src/version\\.ts$'] },
    },
    {
      name: 'adapters-stay-at-home',
      comment:
        'Which adapter serves a port is decided in its own module (and tried in tests); all others see the port.',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: SPEC },
      to: { path: '/adapters/', pathNot: '^src/$1/' },
    },
    {
      name: 'migrations-stand-alone',
      comment: 'A migration does years later what it did when it was written; code that changes cannot be part of it.',
      severity: 'error',
      from: { path: '^migrations/' },
      to: { path: '^(src|test)/' },
    },
    {
      name: 'src-without-tests',
      comment: 'The installed package has no tests in it.',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { path: ['^test/', SPEC] },
    },
    {
      name: 'src-without-dev-packages',
      comment: 'An installation without development packages must start.',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-declared-packages',
      comment: 'A package that only another package brought may be gone, or another version, after its next update.',
      severity: 'error',
      from: { path: '^(src|migrations|test)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'test/tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
