import { Controller, Get, NotFoundException, Param, Query } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Customer } from './customer.entity';
import { Invoice } from './invoice.entity';
import { OutboundMail } from './outbound-mail.entity';

const PAGE = 20;

/** The local tables, as any code of the application reads them. */
@Controller()
export class BillingController {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  @Get('customers')
  customers(): Promise<Customer[]> {
    return this.dataSource
      .getRepository(Customer)
      .find({ order: { createdAt: 'DESC', id: 'ASC' }, take: PAGE });
  }

  @Get('customers/:id')
  async customer(@Param('id') id: string): Promise<Customer> {
    const customer = await this.dataSource
      .getRepository(Customer)
      .findOne({ where: { id }, relations: { subscriptions: { invoices: { lines: true } } } });
    if (!customer) throw new NotFoundException(`No customer ${id} here.`);
    return customer;
  }

  @Get('invoices')
  invoices(@Query('status') status?: string): Promise<Invoice[]> {
    return this.dataSource.getRepository(Invoice).find({
      where: status ? { status } : {},
      relations: { customer: true, lines: true },
      order: { id: 'ASC' },
      take: PAGE,
    });
  }

  @Get('outbox')
  outbox(): Promise<OutboundMail[]> {
    return this.dataSource.getRepository(OutboundMail).find({ order: { createdAt: 'DESC' }, take: PAGE });
  }
}
