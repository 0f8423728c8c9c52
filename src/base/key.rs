//! Order-preserving keys: comparing the bytes is comparing the values.
//!
//! Each part of a key starts with `00` (no value, sorts first) or `01`, then:
//! unsigned integers, enum positions and booleans big-endian; signed integers and times
//! with the sign bit flipped; floats with the IEEE 754 total-order trick; text as its
//! UTF-8 bytes with `00` written as `00 ff`, closed by `00 00`. A descending part has all
//! its bits flipped. No part is a prefix of another value's part, so parts can be put
//! side by side.

use super::Timestamp;
use super::record::{Kind, Value};

/// Appends one part.
pub fn push(key: &mut Vec<u8>, value: &Value, descending: bool) {
    let start = key.len();
    match value {
        Value::Null => key.push(0),
        Value::Bool(b) => key.extend_from_slice(&[1, u8::from(*b)]),
        Value::Enum(n) => key.extend_from_slice(&[1, *n]),
        Value::U64(n) => {
            key.push(1);
            key.extend_from_slice(&n.to_be_bytes());
        }
        Value::Time(t) => {
            key.push(1);
            key.extend_from_slice(&((t.as_micros() as u64) ^ (1 << 63)).to_be_bytes());
        }
        Value::F64(x) => {
            key.push(1);
            key.extend_from_slice(&float_bits(*x).to_be_bytes());
        }
        Value::Text(s) => {
            key.push(1);
            push_text(key, s.as_bytes());
            key.extend_from_slice(&[0, 0]);
        }
    }
    if descending {
        for b in &mut key[start..] {
            *b = !*b;
        }
    }
}

/// Reads one ascending part back; the inverse of [`push`].
#[must_use]
pub fn read(kind: Kind, part: &[u8]) -> Option<Value> {
    let (&tag, rest) = part.split_first()?;
    if tag == 0 {
        return Some(Value::Null);
    }
    let word = || rest.try_into().ok().map(u64::from_be_bytes);
    match kind {
        Kind::Bool => Some(Value::Bool(*rest.first()? != 0)),
        Kind::Enum(_) => Some(Value::Enum(*rest.first()?)),
        Kind::U64 => word().map(Value::U64),
        Kind::Time => word().map(|n| Value::Time(Timestamp::from_micros((n ^ (1 << 63)) as i64))),
        Kind::F64 => word().map(|n| {
            let bits = if n >> 63 == 1 { n ^ (1 << 63) } else { !n };
            Value::F64(f64::from_bits(bits))
        }),
        Kind::Text | Kind::Words => {
            let body = rest.strip_suffix(&[0, 0])?;
            let mut text = Vec::with_capacity(body.len());
            let mut bytes = body.iter();
            while let Some(&b) = bytes.next() {
                text.push(b);
                if b == 0 {
                    bytes.next()?;
                }
            }
            String::from_utf8(text).ok().map(Value::Text)
        }
    }
}

/// How many bytes of a key its first parts take, given the kind of each and whether it is
/// descending; `None` if the key is too short.
#[must_use]
pub fn parts_length(parts: &[(Kind, bool)], key: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (kind, descending) in parts {
        let flip = if *descending { 0xff } else { 0 };
        let mut rest = key.get(at..)?.iter().map(|b| *b ^ flip);
        at += 1;
        if rest.next()? == 0 {
            continue;
        }
        at += match kind {
            Kind::Bool | Kind::Enum(_) => 1,
            Kind::U64 | Kind::F64 | Kind::Time => 8,
            Kind::Text | Kind::Words => {
                let mut length = 0;
                loop {
                    length += 1;
                    if rest.next()? == 0 {
                        length += 1;
                        // A zero byte of the text is followed by ff, the end by another zero.
                        if rest.next()? == 0 {
                            break length;
                        }
                    }
                }
            }
        };
    }
    (at <= key.len()).then_some(at)
}

/// Appends the beginning of a text part without its end: what all texts that start with
/// `prefix` have in common. Ascending parts only.
pub fn push_text_prefix(key: &mut Vec<u8>, prefix: &str) {
    key.push(1);
    push_text(key, prefix.as_bytes());
}

fn push_text(key: &mut Vec<u8>, bytes: &[u8]) {
    for &b in bytes {
        key.push(b);
        if b == 0 {
            key.push(0xff);
        }
    }
}

/// Bits whose unsigned order is the order of the floats; `-0.0` is `0.0`.
fn float_bits(x: f64) -> u64 {
    let bits = if x == 0.0 { 0 } else { x.to_bits() };
    if bits >> 63 == 1 { !bits } else { bits ^ (1 << 63) }
}

/// The first key after all keys that start with `prefix`; `None` if there is no such key.
#[must_use]
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

/// The id at the end of an index key.
#[must_use]
pub fn trailing_id(key: &[u8]) -> Option<u64> {
    let at = key.len().checked_sub(8)?;
    Some(u64::from_be_bytes(key[at..].try_into().expect("eight bytes")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(v: &Value, desc: bool) -> Vec<u8> {
        let mut key = Vec::new();
        push(&mut key, v, desc);
        key
    }

    fn value() -> impl Strategy<Value = (Value, Value)> {
        let text = prop_oneof![".*", "[\\x00-\\x02a]{0,4}"];
        prop_oneof![
            (any::<bool>(), any::<bool>()).prop_map(|(a, b)| (Value::Bool(a), Value::Bool(b))),
            (any::<u8>(), any::<u8>()).prop_map(|(a, b)| (Value::Enum(a), Value::Enum(b))),
            (any::<u64>(), any::<u64>()).prop_map(|(a, b)| (Value::U64(a), Value::U64(b))),
            (any::<i64>(), any::<i64>()).prop_map(|(a, b)| {
                (Value::Time(Timestamp::from_micros(a)), Value::Time(Timestamp::from_micros(b)))
            }),
            (-1e9..1e9f64, -1e9..1e9f64).prop_map(|(a, b)| (Value::F64(a), Value::F64(b))),
            (text.clone(), text).prop_map(|(a, b)| (Value::Text(a), Value::Text(b))),
        ]
    }

    fn kind_of(value: &Value) -> Kind {
        match value {
            Value::Null => unreachable!("not made"),
            Value::Bool(_) => Kind::Bool,
            Value::Enum(_) => Kind::Enum(&[]),
            Value::U64(_) => Kind::U64,
            Value::F64(_) => Kind::F64,
            Value::Time(_) => Kind::Time,
            Value::Text(_) => Kind::Text,
        }
    }

    proptest! {
        #[test]
        fn bytes_order_as_values((a, b) in value(), tail_a: u64, tail_b: u64) {
            let order = a.partial_cmp(&b).unwrap();
            prop_assert_eq!(encode(&a, false).cmp(&encode(&b, false)), order);
            prop_assert_eq!(encode(&a, true).cmp(&encode(&b, true)), order.reverse());
            prop_assert!(encode(&Value::Null, false) < encode(&a, false));
            prop_assert_eq!(read(kind_of(&a), &encode(&a, false)), Some(a.clone()));
            // A following part decides only between equal values.
            let with = |v: &Value, tail: u64| { let mut k = encode(v, false); k.extend(tail.to_be_bytes()); k };
            prop_assert_eq!(with(&a, tail_a).cmp(&with(&b, tail_b)), order.then(tail_a.cmp(&tail_b)));
            prop_assert_eq!(trailing_id(&with(&a, tail_a)), Some(tail_a));
        }

        #[test]
        fn parts_are_as_long_as_they_were_pushed(
            (a, b) in value(), flags: [bool; 2], missing: bool, tail: Vec<u8>
        ) {
            let first = if missing { Value::Null } else { a.clone() };
            let mut key = encode(&first, flags[0]);
            let one = key.len();
            key.extend(encode(&b, flags[1]));
            let two = key.len();
            key.extend(&tail);
            let parts = [(kind_of(&a), flags[0]), (kind_of(&b), flags[1])];
            prop_assert_eq!(parts_length(&parts[..1], &key), Some(one));
            prop_assert_eq!(parts_length(&parts, &key), Some(two));
            prop_assert_eq!(parts_length(&parts, &key[..two - 1]), None);
            prop_assert_eq!(parts_length(&[], &key), Some(0));
        }

        #[test]
        fn successor_is_the_end_of_the_prefix(prefix: Vec<u8>, rest: Vec<u8>) {
            let mut key = prefix.clone();
            key.extend(&rest);
            if let Some(end) = successor(&prefix) {
                prop_assert!(key < end);
                prop_assert!(!end.starts_with(&prefix));
            } else {
                prop_assert!(prefix.iter().all(|b| *b == 0xff));
            }
        }

        #[test]
        fn text_prefixes_share_their_bytes(s in ".*", t in ".*") {
            let mut prefix = Vec::new();
            push_text_prefix(&mut prefix, &s);
            let whole = encode(&Value::Text(format!("{s}{t}")), false);
            prop_assert!(whole.starts_with(&prefix));
        }
    }
}
