import {
  Catch,
  ClassSerializerInterceptor,
  Controller,
  ForbiddenException,
  Get,
  HttpException,
  Injectable,
  Module,
  SetMetadata,
  UnauthorizedException,
  UseGuards,
  ValidationPipe,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, HttpAdapterHost, Reflector } from '@nestjs/core';
import { OnSyncChange, OnSyncEvent, SyncChange, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { signedDelivery, type SignedDelivery } from 'nestjs-hybrid-sync/testing';
import { map } from 'rxjs';
import { deliver } from '../support/deliver.js';
import { startHost, type Host, type HostOptions } from '../support/host.js';
import { quick, settled } from '../support/scenario.js';

const Public = () => SetMetadata('isPublic', true);
const SkipThrottle = () => SetMetadata('THROTTLER:SKIPdefault', true);

/** What the host's enhancers were asked about: `Class.method`, or the kind of parameter. */
const asked: string[] = [];

function nameOf(context: ExecutionContext): string {
  return `${context.getClass().name}.${context.getHandler().name}`;
}

@Injectable()
class JwtGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    asked.push(`guard ${nameOf(context)}`);
    if (this.reflector.getAllAndOverride('isPublic', [context.getHandler(), context.getClass()])) return true;
    throw new UnauthorizedException();
  }
}

class ThrottlerException extends HttpException {
  constructor() {
    super('Too Many Requests', 429);
  }
}

/** As that of @nestjs/throttler, which jest cannot load beside Nest 12. Three requests of one sender are enough. */
@Injectable()
class ThrottlerGuard implements CanActivate {
  private readonly counts = new Map<string, number>();

  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const skips = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>('THROTTLER:SKIPdefault', skips)) return true;
    const key = `${nameOf(context)} ${context.switchToHttp().getRequest<{ ip: string }>().ip}`;
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    if (count > 3) throw new ThrottlerException();
    return true;
  }
}

@Injectable()
class WrappingInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    asked.push(`interceptor ${nameOf(context)}`);
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

class StrictPipe extends ValidationPipe implements PipeTransform {
  constructor() {
    super({ forbidUnknownValues: true, whitelist: true, forbidNonWhitelisted: true, transform: true });
  }

  override transform(...args: Parameters<ValidationPipe['transform']>) {
    asked.push(`pipe ${args[1].type}`);
    return super.transform(...args);
  }
}

/** Rewrites every answer that is no success. */
@Catch()
class TeapotFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: Error, host: ArgumentsHost) {
    asked.push(`filter ${error.constructor.name}`);
    this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), { rewritten: error.name }, 418);
  }
}

@Injectable()
class Refuse implements CanActivate {
  canActivate() {
    return false;
  }
}

/** A handler may stand in a controller, beside routes, under a guard. */
@Controller('billing')
@UseGuards(Refuse)
class Billing {
  readonly events: SyncEvent[] = [];
  readonly changes: unknown[] = [];

  @Get()
  list() {
    return { events: this.events.length };
  }

  @OnSyncEvent('stripe', 'customer.*')
  event(event: SyncEvent, { attempt }: SyncContext) {
    if (attempt === 1) throw new ForbiddenException('not yet');
    this.events.push(event);
    return { secret: true };
  }

  @OnSyncChange('stripe', 'customer')
  change(change: SyncChange) {
    this.changes.push(change.data);
  }
}

@Module({
  controllers: [Billing],
  providers: [
    { provide: APP_GUARD, useClass: JwtGuard },
    { provide: APP_GUARD, useClass: ThrottlerGuard },
    { provide: APP_PIPE, useClass: StrictPipe },
    { provide: APP_FILTER, useClass: TeapotFilter },
    { provide: APP_INTERCEPTOR, useClass: ClassSerializerInterceptor },
    { provide: APP_INTERCEPTOR, useClass: WrappingInterceptor },
  ],
})
class StrictModule {}

/** As main.ts may have them. */
function useGlobals(app: INestApplication): void {
  app.useGlobalPipes(new StrictPipe());
  app.useGlobalFilters(new TeapotFilter(app.get(HttpAdapterHost)));
  app.useGlobalInterceptors(new ClassSerializerInterceptor(app.get(Reflector)), new WrappingInterceptor());
}

describe.each(['express', 'fastify'] as const)("the host's enhancers, on %s", (adapter) => {
  const open: Host[] = [];
  async function start(options: HostOptions): Promise<Host> {
    const host = await startHost({ ...quick, adapter, ...options });
    open.push(host);
    return host;
  }
  beforeEach(() => void asked.splice(0));
  afterEach(async () => {
    for (const host of open.splice(0)) await host.close();
  });

  const strict = { imports: [StrictModule], configure: useGlobals };

  function signed(host: Host, payload: object): SignedDelivery {
    return signedDelivery({ payload, secret: host.stripe.webhookSecret });
  }
  function event(host: Host) {
    const object = host.stripe.create('customer', { email: 'ada@example.com' }, { delivery: 'unlogged' });
    return { id: `evt_${object.id}`, object: 'event', type: 'customer.created', data: { object } };
  }

  /** What the door says to all that may come. */
  async function answers(host: Host): Promise<unknown[]> {
    const good = signed(host, event(host));
    const cases: [path: string, delivery: SignedDelivery][] = [
      ['stripe', good],
      ['stripe', good],
      ['stripe', signed(host, { nothing: 'of Stripe' })],
      ['stripe', { ...good, body: Buffer.from('{}') }],
      ['stripe', signed(host, { id: 'x'.repeat(2_000_000) })],
      ['paypal', good],
      ['stripe/elsewhere', good],
    ];
    const seen: unknown[] = [];
    for (const [path, delivery] of cases) {
      const { status, body, headers } = await deliver(`${host.url}/webhooks/${path}`, delivery);
      seen.push([status, body, headers['content-type'], headers['retry-after']]);
    }
    return seen;
  }

  it('let the door through that carries their own decorators, and change nothing that it answers', async () => {
    const plain = await answers(await start({}));
    expect(plain.map((answer) => (answer as number[])[0])).toEqual([200, 200, 400, 401, 413, 404, 404]);
    const host = await start({ ...strict, webhooks: { decorators: [Public(), SkipThrottle()] } });
    expect(await answers(host)).toEqual(plain);
    // They were there: asked about the door, and only about the door.
    expect(asked).toContain('guard WebhookController.receive');
    expect(asked.filter((line) => /^(pipe|filter)/.test(line))).toEqual([]);
  });

  it('are not asked where deliveries come directly, and the answers are the same', async () => {
    const plain = await answers(await start({}));
    asked.splice(0);
    const host = await start({ ...strict, webhooks: { receive: 'direct' } });
    const direct = await answers(host);
    // What names no source is not for us, and goes where all others go.
    const [unknownSource] = direct.splice(5, 1);
    expect(direct).toEqual(plain.toSpliced(5, 1));
    expect(unknownSource).toContain(418);
    expect(asked).toEqual(['guard WebhookController.receive', 'filter UnauthorizedException']);
  });

  it('refuse it without: the guard each of them, the throttler what is too much', async () => {
    const shut = await start({ ...strict, webhooks: { decorators: [SkipThrottle()] } });
    const { status } = await deliver(`${shut.url}/webhooks/stripe`, signed(shut, event(shut)));
    // By their own filter too.
    expect([status, asked.at(-1)]).toEqual([418, 'filter UnauthorizedException']);
    expect(await shut.sql('SELECT FROM sync_event')).toEqual([]);

    const throttled = await start({ ...strict, webhooks: { decorators: [Public()] } });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      const delivery = signed(throttled, event(throttled));
      statuses.push((await deliver(`${throttled.url}/webhooks/stripe`, delivery)).status);
    }
    expect(statuses).toEqual([200, 200, 200, 418, 418]);
    expect(asked.at(-1)).toBe('filter ThrottlerException');
  });

  it('do not touch a handler, be it in a controller: no guard, pipe, filter or interceptor', async () => {
    const host = await start({ ...strict, webhooks: { decorators: [Public(), SkipThrottle()] } });
    const payload = event(host);
    await deliver(`${host.url}/webhooks/stripe`, signed(host, payload));
    await settled(host);
    const billing = host.app.get(Billing);
    // Its HttpException of the first attempt was a failure like any other.
    expect(billing.events.map((seen) => seen.payload)).toEqual([payload]);
    expect(billing.changes).toEqual([expect.objectContaining({ email: 'ada@example.com' })]);
    const door = 'WebhookController.receive';
    expect(new Set(asked)).toEqual(new Set([`guard ${door}`, `interceptor ${door}`]));
  });
});
