//! One operation of the API description: who may call it, what it takes.

use poem::http::Method;
use serde_json::{Number, Value};

use super::schema::{Faults, Schema, Type};
use crate::base::{Code, Error, Result};
use crate::domain::user::Role;

/// What the description says about an operation.
#[derive(Debug)]
pub struct Operation {
    /// The least role; `None` if it is open to everybody.
    pub role: Option<Role>,
    /// The path as poem writes it, for the labels of metrics.
    pub(super) pattern: String,
    parameters: Vec<Parameter>,
    body: Option<Schema>,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    required: bool,
    schema: Schema,
}

impl Operation {
    /// Reads an operation of `document`.
    pub(super) fn read(operation: &Value, pattern: &str, document: &Value) -> Self {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let query = parameters.filter(|p| p["in"] == "query").map(|p| Parameter {
            name: p["name"].as_str().unwrap_or_default().to_owned(),
            required: p["required"] == true,
            schema: Schema::compile(&p["schema"], document),
        });
        let content = operation["requestBody"]["content"].as_object();
        let json = content.into_iter().flatten().find(|(media, _)| media.contains("json"));
        Self {
            role: operation["x-role"].as_str().and_then(|word| word.parse().ok()),
            pattern: pattern.to_owned(),
            parameters: query.collect(),
            body: json.map(|(_, content)| Schema::compile(&content["schema"], document)),
        }
    }

    /// Holds the parameters of a query string against the description: `400` that names all
    /// that are unknown or wrong.
    pub fn check_query(&self, query: &str) -> Result<()> {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let mut faults = Faults::new();
        for (n, (name, _)) in pairs.iter().enumerate() {
            let is_known = self.parameters.iter().any(|p| p.name == *name);
            if !is_known && !pairs[..n].iter().any(|(earlier, _)| earlier == name) {
                faults.push((name.clone().into_owned(), self.unknown()));
            }
        }
        for parameter in &self.parameters {
            let values = pairs.iter().filter(|(name, _)| *name == parameter.name);
            let values: Vec<&str> = values.map(|(_, value)| value.as_ref()).collect();
            parameter.check(&values, &mut faults);
        }
        refuse(Code::BadRequest, faults)
    }

    fn unknown(&self) -> String {
        if self.parameters.is_empty() {
            return "there is no such parameter; there are none here".to_owned();
        }
        let known: Vec<&str> = self.parameters.iter().map(|p| p.name.as_str()).collect();
        format!("there is no such parameter; there are: {}", known.join(", "))
    }

    /// Holds a JSON body against the description: `422` that names all that is wrong.
    pub fn check_body(&self, body: &Value) -> Result<()> {
        let mut faults = Faults::new();
        if let Some(schema) = &self.body {
            schema.check(body, "", &mut faults);
        }
        refuse(Code::Invalid, faults)
    }
}

impl Parameter {
    fn check(&self, values: &[&str], faults: &mut Faults) {
        if values.is_empty() && self.required {
            faults.push((self.name.clone(), "it is missing".to_owned()));
        }
        let kind = self.schema.kind();
        // Repeating a list or a text adds values, as commas do; a number cannot be two.
        if values.len() > 1 && !matches!(kind, Some(Type::Array | Type::Text) | None) {
            return faults.push((self.name.clone(), "it stands there twice".to_owned()));
        }
        if kind == Some(Type::Array) && !values.is_empty() {
            let item = self.schema.items().and_then(Schema::kind);
            let all = values.iter().flat_map(|text| text.split(','));
            let list = Value::Array(all.map(|text| value(item, text)).collect());
            return self.note(&list, faults);
        }
        for text in values {
            self.note(&value(kind, text), faults);
        }
    }

    /// Faults bear the parameter's name, whatever part of it is wrong.
    fn note(&self, value: &Value, faults: &mut Faults) {
        let mut found = Faults::new();
        self.schema.check(value, "", &mut found);
        faults.extend(found.into_iter().map(|(_, detail)| (self.name.clone(), detail)));
    }
}

/// The value that a text in a query string stands for; one of the wrong type stays text.
fn value(kind: Option<Type>, text: &str) -> Value {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let read = match kind {
        Some(Type::Bool) => text.parse().ok().map(Value::Bool),
        Some(Type::Integer) if plain => text.parse().ok().map(|n: i64| Value::Number(n.into())),
        Some(Type::Number) => text.parse().ok().and_then(Number::from_f64).map(Value::Number),
        Some(Type::Integer | Type::Text | Type::Array | Type::Object) | None => None,
    };
    read.unwrap_or_else(|| Value::String(text.to_owned()))
}

fn refuse(code: Code, faults: Faults) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = faults
        .iter()
        .map(
            |(pointer, detail)| {
                if pointer.is_empty() { detail.clone() } else { format!("{pointer}: {detail}") }
            },
        )
        .collect();
    let error = Error::new(code, told.join("; "));
    Err(faults.into_iter().fold(error, |e, (pointer, detail)| e.with_field(pointer, detail)))
}

/// The methods that a path item of the description may have.
pub(super) fn method(name: &str) -> Option<Method> {
    Method::from_bytes(name.to_ascii_uppercase().as_bytes()).ok()
}
