//! What a server knows, for comparing before with after.

use serde_json::{Value, json};

use super::harness::Server;

/// When and by which import something was seen last: the only things that an import which
/// brings nothing new may change.
pub const SIGHTINGS: &[&str] = &["last_seen", "import_id", "last_scanned", "last_import_id", "at"];

/// All findings, vulnerabilities and assets without the fields in `but`.
pub fn of(server: &Server, but: &[&str]) -> Value {
    let mut all = json!({});
    for resource in ["findings", "vulnerabilities", "assets"] {
        let mut rows = Value::from(server.dump(resource));
        without(&mut rows, but);
        all[resource] = rows;
    }
    all
}

/// Removes fields, also from objects within.
fn without(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(map) => {
            map.retain(|name, _| !names.contains(&name.as_str()));
            map.values_mut().for_each(|v| without(v, names));
        }
        Value::Array(list) => list.iter_mut().for_each(|v| without(v, names)),
        _ => {}
    }
}

/// Compares two states; on a difference names the first record, not all of them.
pub fn same(have: &Value, want: &Value) {
    for (resource, rows) in want.as_object().unwrap() {
        let (have, want) = (have[resource].as_array().unwrap(), rows.as_array().unwrap());
        assert_eq!(have.len(), want.len(), "{resource}");
        for (have, want) in have.iter().zip(want) {
            assert_eq!(have, want, "{resource}");
        }
    }
}
