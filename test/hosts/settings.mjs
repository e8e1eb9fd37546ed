/** `tsconfig.json` of a host of the table. */
export function tsconfigOf({ module, moduleResolution, libCheck }) {
  return {
    compilerOptions: {
      module,
      ...(moduleResolution && { moduleResolution }),
      target: 'ES2022',
      lib: ['ES2023'],
      types: ['node', 'jest'],
      rootDir: 'src',
      outDir: 'dist',
      strict: true,
      skipLibCheck: !libCheck,
      esModuleInterop: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      isolatedModules: true,
      declaration: true,
    },
    include: ['src'],
  };
}

/** What Nest 12 consists of, as far as it is ESM only: for a jest that can load CommonJS and nothing else. */
const esmOnly =
  '@nestjs|file-type|strtok3|token-types|@tokenizer|uint8array-extras|@borewit|uid|@lukeed|iterare|load-esm|cron|luxon';

/** `jest.config.json` of a host of the table. */
export function jestConfigOf({ nest, platform, format, jest }) {
  const esm = format === 'esm';
  const compilesPackages = nest === 12 && !esm;
  const tsJest = ['ts-jest', { useESM: esm }];
  return {
    roots: ['<rootDir>/src'],
    // The README's test lets Nest choose the adapter, which is Express: on Fastify it is compiled only.
    ...(platform === 'fastify' && { testPathIgnorePatterns: ['/readme/'] }),
    testEnvironment: 'node',
    testTimeout: 60_000,
    maxWorkers: 1,
    transform: {
      [compilesPackages ? '^.+\\.[tj]s$' : '^.+\\.ts$']:
        jest === 'ts-jest' ? tsJest : ['@swc/jest', swc(esm)],
    },
    ...(compilesPackages && { transformIgnorePatterns: [`/node_modules/(?!(${esmOnly})/)`] }),
    ...(esm && { extensionsToTreatAsEsm: ['.ts'], moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' } }),
  };
}

function swc(esm) {
  return {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
      keepClassNames: true,
    },
    module: { type: esm ? 'es6' : 'commonjs' },
  };
}
