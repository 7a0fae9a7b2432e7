/** What files and directories of a storage area get as they arrive, beside their modes. */
export interface AreaPermissions {
  /** Name or number. */
  owner?: string | undefined;
  group?: string | undefined;
  /** Entries as `setfacl -m` takes them. */
  fileAcl?: string | undefined;
  /** Of directories; entries that start with `default:` are what their files and directories inherit. */
  directoryAcl?: string | undefined;
}
