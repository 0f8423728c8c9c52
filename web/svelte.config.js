// Runes everywhere: the old reactive syntax is a compile error.
export default { compilerOptions: { runes: true } };
