//! Drives: OneDrive of a person, the library of a site.

use serde_json::{Map, Value, json};

use super::entity::{DRIVE, DRIVE_ITEM};
use super::error::GraphError;
use super::query::Query;
use super::{Answer, Call, guard};
use crate::chance::guid_of;
use crate::directory::{Drive, Site};

const READ_ALL_FILES: [&str; 4] = [
    "Files.Read.All",
    "Files.ReadWrite.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
];
const READ_FILES: [&str; 2] = ["Files.Read", "Files.ReadWrite"];

fn denied() -> GraphError {
    GraphError::access_denied("Access denied")
}

/// `{me or users/…}/drive{tail}`.
pub(super) fn of_person(call: &Call<'_>, id: &str, tail: &str) -> Result<Value, GraphError> {
    let claims = &call.claims;
    let own = id.eq_ignore_ascii_case(&claims.oid);
    let all = claims.has_scope(&READ_ALL_FILES) || claims.has_role(&READ_ALL_FILES);
    if !(all || own && claims.has_scope(&READ_FILES)) {
        return Err(denied());
    }
    if !claims.app_only() && own {
        provision(call, id);
    }
    let directory = call.tenant.directory.read();
    let user = directory
        .user(id)
        .filter(|user| user.organization == claims.tid)
        .ok_or_else(|| {
            GraphError::new(404, "ResourceNotFound", "Resource could not be discovered.")
        })?;
    let drive = user
        .drive
        .as_ref()
        .ok_or_else(|| GraphError::new(404, "ResourceNotFound", "User's mysite not found."))?;
    let owner = json!({"user": {"id": user.id, "displayName": user.display_name}});
    answer(call, drive, "business", &owner, tail)
}

/// A person's own first look makes a missing OneDrive.
fn provision(call: &Call<'_>, id: &str) {
    let mut directory = call.tenant.directory.write();
    if let Some(user) = directory.user_mut(id)
        && user.drive.is_none()
    {
        user.drive = Some(Drive {
            id: format!("b!{}", guid_of(&format!("drive {}", user.id))),
            used: 0,
            total: 1_099_511_627_776,
            children: Vec::new(),
        });
    }
}

/// `sites/…/drive{tail}`; the site itself was checked.
pub(super) fn of_site(call: &Call<'_>, site: &Site, tail: &str) -> Result<Value, GraphError> {
    let drive = Drive {
        id: format!("b!{}", guid_of(&format!("drive {}", site.id()))),
        used: 98_765_432,
        total: 27_487_790_694_400,
        children: vec!["General/".into(), "Handbook.docx".into()],
    };
    let owner = json!({"user": {"displayName": format!("{} Owners", site.display_name)}});
    answer(call, &drive, "documentLibrary", &owner, tail)
}

/// `drives/{id}[/{tail}]`: those of people.
pub(super) fn by_id(call: &Call<'_>, id: &str, tail: &str) -> Result<Answer, GraphError> {
    let owner = {
        let directory = call.tenant.directory.read();
        directory
            .users()
            .find(|user| user.drive.as_ref().is_some_and(|drive| drive.id == id))
            .map(|user| user.id.clone())
    };
    let owner = owner.ok_or_else(|| GraphError::new(404, "itemNotFound", "Item not found"))?;
    let tail = if tail.is_empty() {
        String::new()
    } else {
        format!("/{tail}")
    };
    of_person(call, &owner, &tail).map(Into::into)
}

fn answer(
    call: &Call<'_>,
    drive: &Drive,
    kind: &str,
    owner: &Value,
    tail: &str,
) -> Result<Value, GraphError> {
    let asked = &call.incoming.query;
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
            put("owner", owner.clone());
            put(
                "quota",
                json!({
                    "deleted": 0, "remaining": drive.total.saturating_sub(drive.used),
                    "state": "normal", "total": drive.total, "used": drive.used,
                }),
            );
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
        _ => {
            guard::any_site(&call.claims)?;
            Err(GraphError::new(404, "itemNotFound", "Item not found"))
        }
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
