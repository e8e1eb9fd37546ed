/** Native ES modules: Nest 12 is published as ESM only, and Node 20 cannot require it inside jest. */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/(unit|e2e)/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        sourceMaps: 'inline',
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
  moduleNameMapper: {
    '^nestjs-hybrid-sync$': '<rootDir>/lib/index.ts',
    '^nestjs-hybrid-sync/stripe$': '<rootDir>/lib/connectors/stripe/index.ts',
    '^nestjs-hybrid-sync/salesforce$': '<rootDir>/lib/connectors/salesforce/index.ts',
    '^nestjs-hybrid-sync/bull$': '<rootDir>/lib/dispatch/bull/index.ts',
    '^nestjs-hybrid-sync/bullmq$': '<rootDir>/lib/dispatch/bullmq/index.ts',
    '^nestjs-hybrid-sync/testing$': '<rootDir>/lib/testing/index.ts',
    '^nestjs-hybrid-sync/testing/stripe$': '<rootDir>/lib/testing/stripe/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  // Conditions are waited for, not times: what takes long on a busy machine is no failure.
  testTimeout: 60_000,
  maxWorkers: 2,
};
