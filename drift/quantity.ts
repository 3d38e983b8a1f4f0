/** Powers of ten and two that a Kubernetes quantity may end with, as exponents. */
const DECIMAL_EXPONENTS: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_EXPONENTS: Readonly<Record<string, number>> = {
  Ki: 10,
  Mi: 20,
  Gi: 30,
  Ti: 40,
  Pi: 50,
  Ei: 60,
};

const QUANTITY = /^([+-]?)(\d*)(?:\.(\d*))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,2}))?$/;
/** Longer texts are no quantity that the API server would take; the limit keeps BigInt work bounded. */
const MAX_LENGTH = 64;

/**
 * A Kubernetes quantity in thousandths, rounded away from zero as the API server does: `1` → 1000n, `0.0001` → 1n,
 * `0.5Gi` → 536870912000n. Undefined for anything that is no quantity. The grammar is that of
 * k8s.io/apimachinery/pkg/api/resource.
 */
export function parseQuantity(value: unknown): bigint | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return undefined;
  const match = QUANTITY.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', binary, decimal = '', exponent] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(whole + fraction);
  const thousandths =
    binary === undefined
      ? scaleByTen(
          digits,
          3 - fraction.length + (exponent ? Number(exponent) : (DECIMAL_EXPONENTS[decimal] ?? 0)),
        )
      : scaleByTen(digits << BigInt(BINARY_EXPONENTS[binary] ?? 0), 3 - fraction.length);
  return sign === '-' ? -thousandths : thousandths;
}

/** True when both are quantities of the same amount. */
export function sameQuantity(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  const amount = parseQuantity(left);
  return amount !== undefined && amount === parseQuantity(right);
}

/** A quantity as a plain number of its unit (cores, bytes); undefined when it is none. */
export function quantityToNumber(value: unknown): number | undefined {
  const thousandths = parseQuantity(value);
  return thousandths === undefined ? undefined : Number(thousandths) / 1000;
}

function scaleByTen(digits: bigint, exponent: number): bigint {
  if (exponent >= 0) return digits * 10n ** BigInt(exponent);
  const divisor = 10n ** BigInt(-exponent);
  const quotient = digits / divisor;
  return quotient * divisor === digits ? quotient : quotient + 1n;
}
