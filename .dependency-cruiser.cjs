const { builtinModules } = require('node:module');

/** The layers, lowest first: a lib imports only libs of earlier layers (and never one of its own layer). */
const LAYERS = [
  ['contracts', 'errors'],
  ['config', 'secrets', 'observability'],
  ['messaging', 'blobs', 'image-formats'],
  ['providers'],
];

const layerRules = LAYERS.flatMap((layer, level) =>
  layer.map((lib) => ({
    name: `layer-of-${lib}`,
    severity: 'error',
    comment: 'libs form layers, each importing only those before it',
    from: { path: `^libs/${lib}/`, pathNot: '(/test/|\\.spec\\.ts$)' },
    to: {
      path: `^libs/(${LAYERS.slice(level)
        .flat()
        .concat('testing')
        .filter((other) => other !== lib)
        .join('|')})/`,
    },
  })),
);

/** Packages that only one place may import. */
const OWNERS = {
  '(typeorm|@nestjs/typeorm|pg)': '^(apps/registry/|libs/testing/)',
  dockerode: '^libs/providers/docker/',
  'openstack-client': '^libs/providers/openstack/',
  thrift: '^libs/providers/bwlehrpool/',
  '@aws-sdk/[^/]+': '^libs/blobs/',
  '@opentelemetry/[^/]+': '^libs/observability/',
  amqplib: '^(libs/messaging/|libs/testing/)',
};

module.exports = {
  forbidden: [
    ...layerRules,
    ...Object.entries(OWNERS).map(([name, owner]) => ({
      name: `one-owner-of-${name.replace(/\W+/g, '-')}`,
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: owner },
      to: { path: `^node_modules/(@types/)?${name}/` },
    })),
    {
      name: 'apps-import-no-app',
      severity: 'error',
      comment: 'only standalone composes the others',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/standalone/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    { name: 'libs-import-no-app', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: `^(${builtinModules.join('|')})$` },
    },
    {
      name: 'tests-stay-out',
      severity: 'error',
      comment: 'what ships does not import what tests',
      from: { path: '^(apps|libs)/', pathNot: '(/test/|\\.spec\\.ts$|^libs/testing/)' },
      to: { path: '(/test/|^libs/testing/|\\.(int-)?spec\\.ts$)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['source', 'import', 'node', 'default', 'types'] },
  },
};
