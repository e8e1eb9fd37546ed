import net from 'node:net';
import type { AddressInfo } from 'node:net';
import type { TestDatabase } from './database.js';

/** A network between an application and its database that can be broken. */
export interface TcpProxy {
  /** The database, by way of the proxy. */
  database: TestDatabase;
  /** How many connections are open. */
  connections(): number;
  /** How many connections have been opened so far. */
  opened(): number;
  /** How often something has been sent to the database, farewells not counted. */
  sent(): number;
  /** Cuts all connections and refuses new ones. */
  cut(): void;
  /** Carries nothing any more and says nothing about it: what is sent waits, new connections included. */
  silence(): void;
  /** Loses the open connections without telling either side; new ones work. */
  lose(): void;
  /** All well again; what was held up goes on its way. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** What a client of Postgres says before it closes a connection that it does not need any more. */
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);

export async function proxyTo(database: TestDatabase): Promise<TcpProxy> {
  const url = new URL(database.url);
  const target = { host: url.hostname, port: Number(url.port) };
  const pairs = new Set<[net.Socket, net.Socket]>();
  const lost = new Set<net.Socket>();
  let silent = false;
  let sent = 0;
  let opened = 0;

  const server = net.createServer((near) => {
    const far = net.connect(target);
    const pair: [net.Socket, net.Socket] = [near, far];
    pairs.add(pair);
    opened += 1;
    const end = () => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    near.on('data', (bytes: Buffer) => (sent += bytes.equals(TERMINATE) ? 0 : 1));
    far.pipe(near);
    near.pipe(far);
    if (silent) stop(pair);
  });
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  url.port = String(port);

  return {
    database: {
      ...database,
      url: url.href,
      options: { ...database.options, url: url.href } as TestDatabase['options'],
    },
    connections: () => pairs.size,
    opened: () => opened,
    sent: () => sent,
    cut() {
      server.close();
      for (const [near, far] of pairs) [near, far].forEach((socket) => socket.destroy());
    },
    silence() {
      silent = true;
      pairs.forEach(stop);
    },
    lose() {
      for (const pair of pairs) {
        stop(pair);
        pair.forEach((socket) => lost.add(socket.removeAllListeners('close')));
      }
      pairs.clear();
    },
    async heal() {
      silent = false;
      for (const [near, far] of pairs) {
        far.pipe(near);
        near.pipe(far);
      }
      if (!server.listening) await listen(server, port);
    },
    async close() {
      for (const socket of [...[...pairs].flat(), ...lost]) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

function stop([near, far]: [net.Socket, net.Socket]): void {
  far.unpipe(near).pause();
  near.unpipe(far).pause();
}

function listen(server: net.Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}
