//! What the OpenAPI document says of the edge's own types.

use serde_json::Value;

use super::api::service;

fn spec() -> Value {
    serde_json::from_str(&service(std::sync::Arc::default()).spec()).unwrap()
}

#[test]
fn every_operation_documents_problems() {
    let spec = spec();
    let mut operations = 0;
    for (path, item) in spec["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for range in ["4XX", "5XX"] {
                let content = &operation["responses"][range]["content"];
                let schema = &content["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {range}");
            }
            operations += 1;
        }
    }
    assert!(operations >= 9);
    let problem = &spec["components"]["schemas"]["Problem"];
    assert_eq!(
        problem["required"],
        serde_json::json!(["type", "code", "title", "status", "remedy", "request_id"])
    );
}

#[test]
fn bodies_and_replies_document_types_and_schemas() {
    let spec = spec();
    let create = &spec["paths"]["/api/v1/things"]["post"];
    let schema = "#/components/schemas/Thing";
    let body = &create["requestBody"]["content"];
    assert_eq!(body["application/json"]["schema"]["$ref"], schema);
    let reply = &create["responses"]["201"]["content"];
    assert_eq!(reply["application/json"]["schema"]["$ref"], schema);
    let patch = &spec["paths"]["/api/v1/things/{id}"]["patch"]["requestBody"]["content"];
    assert_eq!(patch.as_object().unwrap().len(), 2);
    assert!(patch.get("application/merge-patch+json").is_some());
    let delete = &spec["paths"]["/api/v1/things/{id}"]["delete"]["responses"]["204"];
    assert!(delete.get("content").is_none());
}
