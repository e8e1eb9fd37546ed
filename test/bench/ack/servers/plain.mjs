import { BadRequestException, Controller, HttpCode, Module, Post, Req } from '@nestjs/common';
import { decorate } from '../../decorate.mjs';
import { onExpress, onFastify } from './nest.mjs';
import { verified } from './verify.mjs';

/** A controller that verifies, parses and forgets: what any webhook endpoint costs. */
export async function start({ adapter, secret }) {
  const Hooks = decorate(
    class Hooks {
      receive(request) {
        const event = verified(request.body, request.headers['stripe-signature'], secret);
        if (!event) throw new BadRequestException();
        return { received: true };
      }
    },
    [Controller('hooks')],
    { receive: { with: [Post(), HttpCode(200)], parameters: [Req()] } },
  );
  const Root = decorate(class Root {}, [Module({ controllers: [Hooks] })]);
  return { app: await withRawBodies(adapter, Root) };
}

/** The body's bytes as `request.body`, and no parser beside. */
export async function withRawBodies(adapter, module) {
  if (adapter === 'fastify') {
    const app = await onFastify(module, { bodyParser: false });
    const instance = app.getHttpAdapter().getInstance();
    instance.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body);
    });
    return app;
  }
  const app = await onExpress(module, { bodyParser: false });
  app.useBodyParser('raw', { type: '*/*', limit: '1mb' });
  return app;
}
