/**
 * The browser's reader of app/kernel/kinds/formats.py: identity numbers (GB 11643), phones, unified
 * social credit codes (GB 32100). The three readers (Python, SQL, this) are held together by
 * tests/kernel/declare/test_formats_agree.py.
 */

const ID_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const ID_CHECKS = "10X98765432";
const USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const OLDEST_YEAR = 1850;
const PHONE = /^(1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}(-[0-9]{1,6})?)$/;
const USCC = new RegExp(`^[${USCC_ALPHABET}]{2}[0-9]{6}[${USCC_ALPHABET}]{10}$`);

/** The check character that the first 17 digits of an ID number call for. */
export function idCheckCharacter(number) {
  const sum = ID_WEIGHTS.reduce((total, weight, i) => total + weight * Number(number[i]), 0);
  return ID_CHECKS[sum % 11];
}

/** Whether `text` is a complete number of someone born by `todayISO` ("2026-11-22"). */
export function idNumberValid(text, todayISO) {
  if (typeof text !== "string" || !/^[0-9]{17}[0-9X]$/.test(text)) return false;
  const [year, month, day] = [text.slice(6, 10), text.slice(10, 12), text.slice(12, 14)].map(Number);
  const born = new Date(Date.UTC(year, month - 1, day));
  if (year < OLDEST_YEAR) return false;
  if (born.getUTCMonth() !== month - 1 || born.getUTCDate() !== day) return false;
  if (todayISO && born.toISOString().slice(0, 10) > todayISO) return false;
  return idCheckCharacter(text) === text[17];
}

/** Whether `text` is a mobile number, or a landline with its area code. */
export function phoneValid(text) {
  return typeof text === "string" && PHONE.test(text);
}

/** Whether `text` can be the number of a bank account. */
export function accountValid(text) {
  return typeof text === "string" && /^[0-9]{8,30}$/.test(text);
}

/** Whether `text` is a correct unified social credit code. */
export function usccValid(text) {
  if (typeof text !== "string" || !USCC.test(text)) return false;
  let sum = 0;
  for (let i = 0, weight = 1; i < 17; i += 1, weight = (weight * 3) % 31) {
    sum += USCC_ALPHABET.indexOf(text[i]) * weight;
  }
  return USCC_ALPHABET[(31 - (sum % 31)) % 31] === text[17];
}
