import mongoose from 'mongoose';
import { catalogUnavailable, queryTimeout } from '../catalog.errors.js';

export const DUPLICATE_KEY = 11000;
const NAMESPACE_NOT_FOUND = 26;
const MAX_TIME_EXPIRED = 50;

/** Codes with which a server says that it cannot serve now: stepping down, shutting down, no primary. */
const UNAVAILABLE_CODES = new Set([6, 7, 89, 91, 189, 9001, 10107, 11600, 11602, 13435, 13436]);

export function serverCode(error: unknown): number | undefined {
  return error instanceof mongoose.mongo.MongoServerError && typeof error.code === 'number' ? error.code : undefined;
}

export function isMissingCollection(error: unknown): boolean {
  return serverCode(error) === NAMESPACE_NOT_FOUND;
}

export function isUnavailable(error: unknown): boolean {
  const { mongo } = mongoose;
  return (
    error instanceof mongoose.Error.MongooseServerSelectionError ||
    error instanceof mongo.MongoNetworkError ||
    error instanceof mongo.MongoServerSelectionError ||
    error instanceof mongo.MongoNotConnectedError ||
    error instanceof mongo.MongoTopologyClosedError ||
    error instanceof mongo.MongoClientClosedError ||
    error instanceof mongo.MongoWriteConcernError ||
    UNAVAILABLE_CODES.has(serverCode(error) ?? 0)
  );
}

/** Gives connection trouble and the time limit their stable form; every other error of the driver stays as it is. */
export function translateMongoError(error: unknown, timeLimitMs: number): unknown {
  if (isUnavailable(error)) {
    return catalogUnavailable(error);
  }
  return serverCode(error) === MAX_TIME_EXPIRED ? queryTimeout(timeLimitMs, error) : error;
}
