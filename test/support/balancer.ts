import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SignedDelivery } from 'nestjs-hybrid-sync/testing';
import type { ChildApp } from './child-app.js';
import { deliver, type Received } from './deliver.js';

/** As often as a load balancer would ask, in a faster world. */
const PROBE_EVERY_MS = 20;

interface Target {
  readonly child: ChildApp;
  readonly agent: http.Agent;
}

/**
 * Spreads deliveries over processes as a load balancer does: in turn, over connections that are kept, to those only that
 * say they are ready. What has been sent is not sent again.
 */
export class Balancer {
  private readonly targets = new Set<Target>();
  private turn = 0;

  /** Sends to this one too, until it says that it is going. */
  add(child: ChildApp): void {
    const target = { child, agent: new http.Agent({ keepAlive: true }) };
    this.targets.add(target);
    void this.watch(target);
  }

  /** @throws Error if it was sent and there was no answer. */
  async deliver(delivery: SignedDelivery): Promise<Received> {
    for (;;) {
      const target = this.next();
      try {
        return await deliver(target.child.webhookUrl, delivery, { agent: target.agent });
      } catch (error) {
        // Nobody listens there: nothing has been sent.
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
        this.targets.delete(target);
      }
    }
  }

  close(): void {
    for (const { agent } of this.targets) agent.destroy();
    this.targets.clear();
  }

  private next(): Target {
    const targets = [...this.targets];
    const target = targets[this.turn++ % targets.length];
    if (!target) throw new Error('nobody is ready to take deliveries');
    return target;
  }

  /** Probes go on when it has said that it is going, until nobody answers. */
  private async watch(target: Target): Promise<void> {
    for (;;) {
      const status = await probe(target.child);
      if (status !== 200) this.targets.delete(target);
      if (status === null) return target.agent.destroy();
      await sleep(PROBE_EVERY_MS);
    }
  }
}

function probe({ webhookUrl }: ChildApp): Promise<number | null> {
  return new Promise((resolve) => {
    const request = http.get(new URL('/ready', webhookUrl), { agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    request.on('error', () => resolve(null));
  });
}
