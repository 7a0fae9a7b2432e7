/** As Unix and LDAP accounts are named at facilities: `d100001`, `99idzuser`, `jane.doe`. */
const USERNAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export const USERNAME_RULE =
  'must be 1-64 lower-case letters, digits, dots, dashes or underscores and begin with a letter or a digit';

/** Usernames do not distinguish case; this is the form in which they are stored and compared. */
export function canonicalUsername(given: string): string {
  return given.toLowerCase();
}

export function isUsername(canonical: string): boolean {
  return USERNAME.test(canonical);
}
