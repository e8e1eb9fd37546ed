import { randomBytes } from 'node:crypto';
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import type { SyncQueue } from 'nestjs-hybrid-sync';
import { bull } from 'nestjs-hybrid-sync/bull';
import { bullmq } from 'nestjs-hybrid-sync/bullmq';

export type QueueLibrary = 'bull' | 'bullmq';

export function redisUrl(): string {
  const url = process.env.TEST_REDIS_URL;
  if (!url) throw new Error('TEST_REDIS_URL is not set: run the tests with `npm run test:redis`.');
  return url;
}

/** A queue of that library, which those share whose name is the same. */
export function queueOf(
  library: QueueLibrary,
  name = `q_${randomBytes(6).toString('hex')}`,
  redis = redisUrl(),
): SyncQueue {
  return library === 'bull' ? bull({ redis, name }) : bullmq({ redis, name });
}

/** A connection to the Redis of this run that is no application's. */
export function connectToRedis(): Redis {
  return new Redis(redisUrl());
}

/** A way to Redis that can be cut, or go quiet: each test has its own, and Redis itself goes on. */
export class RedisLine {
  private readonly sockets = new Set<Socket>();
  private server?: Server;
  private isQuiet = false;
  private constructor(private readonly port: number) {}

  static async open(): Promise<RedisLine> {
    const { port } = await listening(createServer().listen(0, '127.0.0.1')).then(async (server) => {
      const address = server.address() as AddressInfo;
      await new Promise((closed) => server.close(closed));
      return address;
    });
    const line = new RedisLine(port);
    await line.mend();
    return line;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** As if Redis had ended: connections break, and new ones are refused. */
  async cut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    for (const socket of this.sockets) socket.destroy();
    if (server) await new Promise((closed) => server.close(closed));
  }

  async mend(): Promise<void> {
    this.isQuiet = false;
    this.server = await listening(
      createServer((socket) => this.connect(socket)).listen(this.port, '127.0.0.1'),
    );
  }

  /** As if Redis hung: connections stay, and nothing is answered. What was asked meanwhile is answered after `speak()`. */
  hush(): void {
    this.isQuiet = true;
    for (const socket of this.sockets) socket.pause();
  }

  speak(): void {
    this.isQuiet = false;
    for (const socket of this.sockets) socket.resume();
  }

  private connect(near: Socket): void {
    const { hostname, port } = new URL(redisUrl());
    const far = createConnection(Number(port), hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(socket);
      socket.on('data', (data) => other.write(data));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
      if (this.isQuiet) socket.pause();
    }
  }
}

function listening(server: Server): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('listening', () => resolve(server));
    server.once('error', reject);
  });
}
