import { mirror, type Mirror } from 'nestjs-hybrid-sync';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The name of a record, of any kind. */
@Entity({ name: 'copy' })
export class Copy {
  @PrimaryColumn({ type: 'varchar', length: 64 })
  stripeId!: string;

  @Column('text')
  name!: string;
}

/** How many of the next calls of handlers fail. */
export const failing = { calls: 0 };

export function mayFail(): void {
  if (failing.calls === 0) return;
  failing.calls -= 1;
  throw new Error('not now');
}

export function copyOf(resource: string, options: { batch?: number } = {}): Mirror {
  return mirror('stripe', resource, {
    ...options,
    to: Copy,
    key: ['stripeId'],
    name: `copy of ${resource}`,
    map: ({ name }: { name: string }) => {
      mayFail();
      return { name };
    },
  });
}
