// How strong a new password is, and what would make it stronger. A hint, not a rule: the only
// rule is the minimum length, and the server decides.

export const MIN_LENGTH = 10;

export interface Strength {
  /** 0 too short, 1 weak, 2 fair, 3 good, 4 strong. */
  level: 0 | 1 | 2 | 3 | 4;
  label: string;
  hint: string;
}

const COMMON = /password|passwort|qwert|letmein|welcome|admin|vulnzero|123456|abcdef|iloveyou/i;

/** Characters that add something: repeats and runs (aaa, 123) count once. */
function effectiveLength(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i += 1) {
    const step = text.charCodeAt(i) - text.charCodeAt(i - 1);
    const before = text.charCodeAt(i - 1) - text.charCodeAt(i - 2);
    if (i < 2 || step !== before || Math.abs(step) > 1) length += 1;
  }
  return length;
}

function alphabet(text: string): number {
  const kinds: [RegExp, number][] = [[/[a-z]/, 26], [/[A-Z]/, 26], [/\d/, 10], [/[^a-zA-Z\d]/, 33]];
  return kinds.reduce((sum, [kind, size]) => (kind.test(text) ? sum + size : sum), 0);
}

export function strength(password: string, username = ""): Strength {
  const missing = MIN_LENGTH - [...password].length;
  if (missing > 0) {
    const hint = password === "" ? `At least ${MIN_LENGTH} characters.` : `${missing} more to go.`;
    return { level: 0, label: "Too short", hint };
  }
  if (username.length > 2 && password.toLowerCase().includes(username.toLowerCase())) {
    return { level: 1, label: "Weak", hint: "It contains the user name." };
  }
  if (COMMON.test(password)) return { level: 1, label: "Weak", hint: "It contains a word that attackers try first." };
  const bits = effectiveLength(password) * Math.log2(Math.max(2, alphabet(password)));
  if (bits < 45) return { level: 1, label: "Weak", hint: "Make it longer; a few unrelated words work well." };
  if (bits < 60) return { level: 2, label: "Fair", hint: "A word or two more would make it good." };
  if (bits < 80) return { level: 3, label: "Good", hint: "Good enough for most; longer is better still." };
  return { level: 4, label: "Strong", hint: "Keep it in a password manager." };
}
