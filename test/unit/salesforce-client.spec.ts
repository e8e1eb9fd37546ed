import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { salesforce } from 'nestjs-hybrid-sync/salesforce';

describe('a request to an org', () => {
  it('ends when its time is up, also in the middle of an answer', async () => {
    const server = http.createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 });
      response.write('{ "records": [');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const instanceUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const login = { flow: 'token', accessToken: 'token', instanceUrl } as const;
      const { connector } = salesforce({ login, objects: ['Account'] });
      const request = { connectionId: 'default', resource: 'Account', from: null, to: null, page: null };
      const signal = AbortSignal.timeout(300);
      const asked = connector.list!(request, { signal, timeoutMs: 300, nowMs: Date.now() });
      await expect(asked).rejects.toMatchObject({ failure: 'unavailable', answer: 'ETIMEDOUT' });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
