/** Generation of the API that a server speaks: `bridge` = A with B's additions, `release` = C. */
export type Dialect = 'bridge' | 'release';
