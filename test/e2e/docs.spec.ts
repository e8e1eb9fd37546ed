import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Faults } from '../../lib/testing/fake-stripe/faults.js';
import { createDatabase } from '../support/database.js';
import { Document } from '../support/document.js';

const readme = new Document('README.md');
const pages = readdirSync('docs').map((name) => [name, new Document(join('docs', name), readme)] as const);
const documents = [['README.md', readme] as const, ...pages];
const databases = await Promise.all(documents.map(() => createDatabase()));

// As they stand they register their tests, which run with the others: with nothing set but a database.
delete process.env.STRIPE_API_KEY;
delete process.env.STRIPE_WEBHOOK_SECRET;
for (const [place, [, document]] of documents.entries()) {
  process.env.DATABASE_URL = databases[place]!.url;
  for (const name of document.programs().keys())
    if (name.endsWith('.spec.ts')) await import(join(document.folder, name.replace(/ts$/, 'mjs')));
}

afterAll(async () => {
  documents.forEach(([, document]) => document.remove());
  await Promise.all(databases.map((database) => database.drop()));
});

describe.each(pages)('docs/%s', (_, page) => {
  it('has programs that compile', () => {
    expect(page.programs().size).toBeGreaterThan(0);
    expect(page.complaints()).toBe('');
  }, 180_000); // The compiler takes seconds, and more where others are busy.

  it('leads to files that are there', () => {
    expect(page.links().filter((path) => !existsSync(join('docs', path)))).toEqual([]);
  });
});

it('docs/testing.md has every fault, with its default', () => {
  const rows = new Map(pages).get('testing.md')!.rows();
  const hidden = ['failures', 'recent'];
  const faults = Object.entries(new Faults()).filter(([name]) => !hidden.includes(name));
  expect(faults.length).toBeGreaterThan(10);
  for (const [name, value] of faults) expect([name, rows.get(name)?.[1]]).toEqual([name, String(value)]);
  expect([rows.has('failNext()'), rows.has('clear()')]).toEqual([true, true]);
});
