import { Controller, Get, Header, Param } from '@nestjs/common';
import { SyncService } from 'nestjs-hybrid-sync';

@Controller('explain')
export class ExplainController {
  constructor(private readonly sync: SyncService) {}

  /** Why an event is where it is, in words. */
  @Get(':eventId')
  @Header('content-type', 'text/plain; charset=utf-8')
  async explain(@Param('eventId') eventId: string): Promise<string> {
    return `${await this.sync.explain(eventId)}\n`;
  }
}
