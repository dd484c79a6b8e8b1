//! A word that must not come out of a client: once it is set, it stands in every
//! text of every answer that is content of a tenant: subjects, titles, names,
//! descriptions, addresses, messages of errors.

use serde_json::Value;

/// Texts that a protocol is made of, by their names; all others are content.
const MEANT: [&str; 40] = [
    "activity",
    "appliesTo",
    "availability",
    "availabilityView",
    "capabilityStatus",
    "category",
    "classification",
    "code",
    "contentType",
    "customKeyIdentifier",
    "date",
    "dateTime",
    "daysOfWeek",
    "driveType",
    "endTime",
    "hint",
    "id",
    "importance",
    "instance",
    "latest",
    "membershipType",
    "method",
    "mimeType",
    "origin",
    "preferredSingleSignOnMode",
    "preferredTokenSigningKeyThumbprint",
    "provisioningStatus",
    "responseCode",
    "scheduleId",
    "servicePlanType",
    "servicePrincipalType",
    "severity",
    "showAs",
    "skuPartNumber",
    "startTime",
    "state",
    "status",
    "timeZone",
    "type",
    "usage",
];

fn is_meant(name: &str) -> bool {
    name.contains('@')
        || name.contains("-id")
        || name.ends_with("Id")
        || name.ends_with("Ids")
        || name.ends_with("DateTime")
        || MEANT.contains(&name)
}

/// Writes the word behind every text that is content.
pub(crate) fn plant(value: &mut Value, word: &str) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    // Error texts that are JSON in a text stay so.
                    Value::String(text) if text.starts_with('{') => {}
                    Value::String(text) if !is_meant(name) => {
                        text.push(' ');
                        text.push_str(word);
                    }
                    Value::String(_) => {}
                    other if !is_meant(name) || other.is_object() => plant(other, word),
                    _ => {}
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::String(text) => {
                        text.push(' ');
                        text.push_str(word);
                    }
                    other => plant(other, word),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::plant;

    #[test]
    fn content_and_what_is_none() {
        let mut value = json!({"value": [{
            "id": "1", "subject": "s", "receivedDateTime": "2026-11-30T08:00:00Z",
            "from": {"emailAddress": {"name": "n", "address": "a"}}, "services": ["x"],
            "status": "ok", "count": 1, "@odata.etag": "e",
        }]});
        plant(&mut value, "W");
        let expected = json!({"value": [{
            "id": "1", "subject": "s W", "receivedDateTime": "2026-11-30T08:00:00Z",
            "from": {"emailAddress": {"name": "n W", "address": "a W"}}, "services": ["x W"],
            "status": "ok", "count": 1, "@odata.etag": "e",
        }]});
        assert_eq!(value, expected);
    }
}
