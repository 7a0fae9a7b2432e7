import type { GrantedRole } from '../principal.js';

/** A person or a machine account of this station, without secrets. */
export interface User {
  id: number;
  username: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  roles: GrantedRole[];
  /** A disabled account keeps its history but can neither log in nor use its tokens. */
  disabled: boolean;
  /** Without one nobody can log in as this user; it can still be a member of experiments. */
  hasPassword: boolean;
  /** Somebody else chose the password: asked for at login, not enforced. */
  passwordChangeRequired: boolean;
  createdAt: string;
  updatedAt: string;
}
