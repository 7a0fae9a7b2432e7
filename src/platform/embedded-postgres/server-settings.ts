import { totalmem } from 'node:os';
import { clusterName } from './cluster-processes.js';

const MB = 1024 * 1024;

/**
 * Settings of a server that one daemon on the same machine uses. They are given on the command line, so they hold for
 * old clusters too; durability (fsync, full_page_writes, synchronous_commit) is never traded for speed.
 */
export function serverArguments(
  clusterDirectory: string,
  port: number,
  overrides: Readonly<Record<string, string>> = {},
): string[] {
  const memoryMb = Math.floor(totalmem() / MB);
  const settings: Record<string, string> = {
    // A quarter of a small machine, at most what the hot part of a million-file catalog takes.
    shared_buffers: `${Math.min(256, Math.max(128, Math.floor(memoryMb / 16)))}MB`,
    effective_cache_size: `${Math.max(512, Math.floor(memoryMb / 4))}MB`,
    work_mem: '16MB',
    maintenance_work_mem: '128MB',
    // The station's pools, its workers', BullMQ's and a few people with psql.
    max_connections: '200',
    // Bulk ledger writes: few, spread-out checkpoints; the price is at most 2 GB of log to replay after a crash.
    max_wal_size: '2GB',
    min_wal_size: '128MB',
    checkpoint_timeout: '10min',
    wal_compression: 'on',
    random_page_cost: '1.1',
    autovacuum_naptime: '15s',
    // The queries are short; compiling them costs more than it gains.
    jit: 'off',
    log_min_messages: 'warning',
    log_checkpoints: 'off',
    log_line_prefix: '%m [%p] ',
    log_timezone: 'UTC',
    TimeZone: 'UTC',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    ...overrides,
    listen_addresses: '127.0.0.1',
    port: String(port),
    // A socket's path may be longer than the 107 bytes that the kernel takes.
    unix_socket_directories: '',
    logging_collector: 'off',
    log_destination: 'stderr',
    password_encryption: 'scram-sha-256',
    cluster_name: clusterName(clusterDirectory),
  };
  return ['-D', clusterDirectory, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
