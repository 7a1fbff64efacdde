/** @file Opens the worker's end of exchanges with a coordinator: through memory, on lanes, or on its port. */
import { withPort } from '../../../core/address.ts';
import { createLog } from '../../../machine/log.ts';
import { isOwnListener } from '../../../machine/socket-owner.ts';
import type { OpenExchange } from '../../exchange.ts';
import { bulkCalls } from '../bulk/client.ts';
import type { ConnectionSettings } from '../channel.ts';
import { GrpcExchange } from '../exchange.ts';
import { LanedExchange } from './laned-exchange.ts';

/** A port behind a firewall drops what is sent to it: it is not waited for as the coordinator is. */
const LANE_TIMES = { connectMs: 5_000 };

/**
 * Exchanges with the coordinator at `address`, each on connections of its own. Memory is shared only with one of this
 * account on this machine, and then there is no need for lanes. Throws  as `bulkCalls` does.
 */
export function grpcExchanges(
  address: string,
  security: Omit<ConnectionSettings, 'limits'>,
): OpenExchange {
  return ({ memory, lanes = [], ...settings }) => {
    const connection = { ...security, limits: settings.limits };
    const isOwn = memory !== undefined && isOwnListener(address);
    const calls = bulkCalls(address, connection);
    const whole = new GrpcExchange(calls, isOwn ? { ...settings, memory } : settings);
    if (lanes.length === 0 || whole.sharesMemory) return whole;
    createLog({ component: 'exchange' }).info({ lanes }, 'large vectors travel on lanes');
    const ways = lanes.map((port) => bulkCalls(withPort(address, port), connection, LANE_TIMES));
    return new LanedExchange({ whole, lanes: ways }, settings);
  };
}
