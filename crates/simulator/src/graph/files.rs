//! Drives themselves, their root and what is named in it.

use serde_json::{Map, Value, json};

use super::Answer;
use super::Call;
use super::drives::{self, Place, Use, no_item};
use super::entity::{DRIVE, DRIVE_ITEM};
use super::error::GraphError;
use super::query::Query;
use crate::chance::guid_of;
use crate::directory::{Drive, QuotaForm, Site};

/// What a path below a drive needs.
const fn needs(tail: &str) -> Use {
    if tail.is_empty() {
        Use::Look
    } else {
        Use::Read
    }
}

/// `{me or users/…}/drive{tail}`.
pub(super) fn of_person(call: &Call<'_>, id: &str, tail: &str) -> Result<Value, GraphError> {
    let place = drives::of_person(call, id, needs(tail))?;
    answer(call, &place, tail)
}

/// `sites/…/drive{tail}`.
pub(super) fn of_site(call: &Call<'_>, site: &Site, tail: &str) -> Result<Value, GraphError> {
    let place = drives::of_site(call, site, needs(tail))?;
    answer(call, &place, tail)
}

/// `drives/{id}[/{tail}]`.
pub(super) fn by_id(call: &Call<'_>, id: &str, tail: &str) -> Result<Answer, GraphError> {
    let place = drives::by_id(call, id, needs(tail))?;
    let tail = if tail.is_empty() {
        String::new()
    } else {
        format!("/{tail}")
    };
    answer(call, &place, &tail).map(Into::into)
}

/// Microsoft's figures, also the wrong ones.
fn quota(drive: &Drive) -> Option<Value> {
    let (total, used) = (drive.total, drive.used);
    Some(match drive.quota {
        QuotaForm::Whole => {
            let state = match used.saturating_mul(100) / total.max(1) {
                0..=90 => "normal",
                91..=98 => "nearing",
                99 => "critical",
                _ => "exceeded",
            };
            json!({
                "deleted": drive.deleted, "remaining": total.saturating_sub(used),
                "state": state, "total": total, "used": used,
            })
        }
        QuotaForm::Zero => json!({"deleted": 0, "remaining": 0, "total": 0, "used": 0}),
        QuotaForm::Impossible => json!({
            "deleted": -1, "remaining": total.saturating_mul(2), "state": "normal",
            "total": total, "used": -4_096,
        }),
        QuotaForm::Absent => return None,
    })
}

fn answer(call: &Call<'_>, place: &Place, tail: &str) -> Result<Value, GraphError> {
    let asked = &call.incoming.query;
    let (drive, kind) = (&place.drive, place.kind);
    match tail {
        "" => {
            let query = Query::parse(asked, &DRIVE)?;
            let mut whole = Map::new();
            let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
            put(
                "@odata.context",
                format!("{}/$metadata#drives/$entity", call.root).into(),
            );
            put("id", drive.id.as_str().into());
            put(
                "name",
                if kind == "business" {
                    "OneDrive"
                } else {
                    "Documents"
                }
                .into(),
            );
            put("driveType", kind.into());
            put("createdDateTime", "2017-05-09T20:56:00Z".into());
            put("owner", place.owner.clone());
            if let Some(quota) = quota(drive) {
                put("quota", quota);
            }
            Ok(query.narrow(&DRIVE, whole))
        }
        "/root" => {
            let query = Query::parse(asked, &DRIVE_ITEM)?;
            let mut whole = item(drive, "root/");
            whole.insert("root".into(), json!({}));
            Ok(query.narrow(&DRIVE_ITEM, whole))
        }
        "/root/children" => {
            let query = Query::parse(asked, &DRIVE_ITEM)?;
            let context = format!(
                "{}/$metadata#drives('{}')/root/children",
                call.root, drive.id
            );
            let items = drive.children.iter().map(|name| item(drive, name));
            Ok(query.page(&DRIVE_ITEM, items, context, &call.url(), asked))
        }
        _ => Err(no_item()),
    }
}

fn item(drive: &Drive, name: &str) -> Map<String, Value> {
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put(
        "id",
        guid_of(&format!("{} {name}", drive.id))
            .replace('-', "")
            .to_uppercase()
            .into(),
    );
    put("createdDateTime", "2024-02-01T09:00:00Z".into());
    put("lastModifiedDateTime", "2026-10-01T08:15:12Z".into());
    match name.strip_suffix('/') {
        Some(folder) => {
            put("name", folder.into());
            put("folder", json!({"childCount": 4}));
            put("size", 4096.into());
        }
        None => {
            put("name", name.into());
            put("file", json!({"mimeType": "application/octet-stream"}));
            put("size", 2048.into());
        }
    }
    whole
}
