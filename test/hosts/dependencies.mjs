import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** What a host of the table has installed: the package, its peers, and what its tests take. */
export function dependenciesOf(host, tarball) {
  const { nest, platform, seams, bare, oldest } = host;
  const own = nest === 12 ? 12 : 11;
  const dependencies = {
    [manifest.name]: `file:${tarball}`,
    '@nestjs/common': `^${nest}.0.0`,
    '@nestjs/core': `^${nest}.0.0`,
    [`@nestjs/platform-${platform}`]: `^${nest}.0.0`,
    '@nestjs/schedule': nest === 12 ? '^12.0.0' : '^6.0.0',
    '@nestjs/typeorm': `^${own}.0.0`,
    ...(seams && {
      '@nestjs/config': nest === 12 ? '^12.0.0' : '^4.0.0',
      '@nestjs/swagger': `^${own}.0.0`,
    }),
    pg: '^8.11.0',
    'reflect-metadata': '^0.2.0',
    rxjs: '^7.8.0',
    ...(!bare && { stripe: '^23.1.0' }),
    typeorm: '^1.0.0',
  };
  if (oldest)
    Object.assign(dependencies, oldestPeers(), {
      [`@nestjs/platform-${platform}`]: oldestPeers()['@nestjs/core'],
    });
  return {
    dependencies,
    devDependencies: { '@nestjs/testing': dependencies['@nestjs/core'], ...toolsOf(host) },
  };
}

/** What `npm install nestjs-hybrid-sync` would need beside it in an application of `nest new`, by the README. */
export function additionsFor(cli, tarball) {
  return {
    [manifest.name]: `file:${tarball}`,
    '@nestjs/schedule': cli === 12 ? '^12.0.0' : '^6.0.0',
    '@nestjs/typeorm': `^${cli}.0.0`,
    pg: '^8.23.0',
    stripe: '^23.1.0',
    typeorm: '^1.1.0',
  };
}

/** Drivers of other databases than the hosts' tests are on. */
const otherDrivers = ['mysql2', 'better-sqlite3'];

function oldestPeers() {
  const peers = Object.entries(manifest.peerDependencies).filter(([name]) => !otherDrivers.includes(name));
  return Object.fromEntries(peers.map(([name, range]) => [name, /\d+\.\d+\.\d+/.exec(range)[0]]));
}

function toolsOf({ nest, platform, jest, typescript }) {
  const compilers = {
    'ts-jest': { 'ts-jest': '^29.4.0' },
    swc: { '@swc/core': '^1.16.0', '@swc/jest': '^0.2.39' },
  };
  return {
    ...(platform === 'express' && { '@types/express': nest === 10 ? '^4.17.0' : '^5.0.0' }),
    '@types/jest': '^30.0.0',
    '@types/node': '^20.19.0',
    jest: '^30.0.0',
    typescript,
    ...compilers[jest],
  };
}
