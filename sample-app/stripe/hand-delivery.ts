import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SyncService } from 'nestjs-hybrid-sync';
import { signedDelivery, type FakeStripe } from 'nestjs-hybrid-sync/testing';

/** Webhooks made by hand. */
@Injectable()
export class HandDelivery {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly sync: SyncService,
  ) {}

  /** What the door answers, and what has become of the event a moment later. */
  async deliver(fake: FakeStripe, event: object) {
    const { body, headers } = signedDelivery({ payload: event, secret: fake.webhookSecret });
    const response = await fetch(this.webhookUrl, { method: 'POST', body, headers });
    const answer: unknown = await response.json();
    const { id } = event as { id?: unknown };
    if (!response.ok || typeof id !== 'string') return { status: response.status, answer };
    await this.sync.idle();
    return { status: response.status, answer, explanation: (await this.sync.explain(id)).split('\n') };
  }

  /** A command that delivers an event about the newest customer, with an address that is not so. */
  curl(fake: FakeStripe): string {
    const [customer] = fake.all('customer').slice(-1);
    const event = {
      id: 'evt_by_hand',
      object: 'event',
      type: 'customer.updated',
      data: { object: { id: customer?.id, object: 'customer', email: 'forged@example.com' } },
    };
    const { body, headers } = signedDelivery({ payload: event, secret: fake.webhookSecret });
    const options = Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`);
    return `curl -i ${this.webhookUrl} ${options.join(' ')} -d '${body.toString()}'\n`;
  }

  private get webhookUrl(): string {
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/stripe`;
  }
}
