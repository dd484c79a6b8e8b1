//! The schemas of docs/schemas, and as much of JSON Schema as they say.

use serde_json::Value;

/// One of docs/schemas.
pub(crate) struct Schema(Value);

impl Schema {
    pub(crate) fn of(name: &str) -> Self {
        let path = format!("{}/docs/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        Self(serde_json::from_str(&text).unwrap())
    }

    /// Reads a document and holds it against the schema.
    pub(crate) fn read(&self, text: &str) -> Value {
        let document: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        self.check(&document)
            .unwrap_or_else(|error| panic!("{error}: {document:#}"));
        document
    }

    pub(crate) fn check(&self, document: &Value) -> Result<(), String> {
        self.fits(&self.0, document, "")
    }

    fn fits(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.strip_prefix("#/$defs/").unwrap();
            let schema = &self.0["$defs"][name];
            assert!(schema.is_object(), "{name} is not defined");
            return self.fits(schema, value, at);
        }
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_u64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let types: Vec<&str> = match &schema["type"] {
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        let fitting = types
            .iter()
            .any(|one| *one == name || *one == "number" && name == "integer");
        if !fitting {
            return Err(format!("{at}: {name}, not {types:?}"));
        }
        if let Some(choices) = schema["enum"].as_array()
            && !choices.contains(value)
        {
            return Err(format!("{at}: {value} is none of {choices:?}"));
        }
        if schema["format"] == "date-time"
            && let Some(text) = value.as_str()
            && !(text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok())
        {
            return Err(format!("{at}: {text} is no moment in UTC"));
        }
        for item in value.as_array().into_iter().flatten() {
            self.fits(&schema["items"], item, &format!("{at}[]"))?;
        }
        let Some(object) = value.as_object() else {
            return Ok(());
        };
        for key in schema["required"].as_array().into_iter().flatten() {
            if !object.contains_key(key.as_str().unwrap()) {
                return Err(format!("{at}: {key} is missing"));
            }
        }
        for (key, inner) in object {
            let known = [&schema["properties"][key], &schema["additionalProperties"]];
            let Some(known) = known.into_iter().find(|one| one.is_object()) else {
                return Err(format!("{at}: {key} is not in the schema"));
            };
            self.fits(known, inner, &format!("{at}.{key}"))?;
        }
        Ok(())
    }
}
