/** The part of the global `WebAssembly` that is used; its types come only with those of a browser. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

interface WebAssemblyApi {
  Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => SharedMemory;
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (
    module: object,
    imports: { env: { memory: SharedMemory } },
  ) => {
    exports: Record<string, (blocks: number) => void>;
  };
}

declare const WebAssembly: WebAssemblyApi;

export const PAGE_BYTES = 65_536;

export function sharedMemory(bytes: number): SharedMemory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

export function isSharedMemory(memory: object): memory is SharedMemory {
  return memory instanceof WebAssembly.Memory;
}

export function compile(bytes: Uint8Array<ArrayBuffer>): object {
  return new WebAssembly.Module(bytes);
}

export function instantiate(module: object, memory: SharedMemory): Record<string, (blocks: number) => void> {
  return new WebAssembly.Instance(module, { env: { memory } }).exports;
}
