//! Files in drives: put, get, removed (PROTOCOL-KINDS sections 1 and 14).
//! Content is not answered here but redirected to an address of SharePoint that
//! works once, without a token, and is refused with one.

use axum::http::StatusCode;
use http::Method;
use m365mon_base::Random as _;
use serde_json::{Map, Value, json};

use super::drives::{self, Place, Use, no_item};
use super::entity::DRIVE_ITEM;
use super::error::GraphError;
use super::query::Query;
use super::{Answer, Call, sites, time};
use crate::chance::guid_of;
use crate::file_store::StoredFile;

/// A path below a drive.
#[derive(Debug, PartialEq)]
enum Item<'p> {
    /// Folder and name below the root, or below the application's own folder.
    Path {
        own_folder: bool,
        path: &'p str,
    },
    Id(&'p str),
    OwnFolder,
}

/// What precedes a drive's items, the item, and what is wanted of it.
#[derive(Debug, PartialEq)]
struct Asked<'p> {
    base: &'p str,
    item: Item<'p>,
    /// `content`, `children`, `permanentDelete`, or nothing.
    what: &'p str,
}

fn parse(path: &str) -> Option<Asked<'_>> {
    let (base, below) = if let Some(rest) = path.strip_prefix("drives/") {
        let (id, below) = rest.split_once('/')?;
        (&path[..7 + id.len()], below)
    } else {
        let at = path.find("/drive/")?;
        (&path[..at], &path[at + 7..])
    };
    let by_path = |rest: &'static str| -> Option<(&str, &str)> {
        let rest = below.strip_prefix(rest)?;
        Some(
            rest.rsplit_once(":/")
                .unwrap_or((rest.trim_end_matches(':'), "")),
        )
    };
    let (item, what) =
        if let Some((path, what)) = by_path("root:/").or_else(|| by_path("items/root:/")) {
            (
                Item::Path {
                    own_folder: false,
                    path,
                },
                what,
            )
        } else if let Some((path, what)) = by_path("special/approot:/") {
            (
                Item::Path {
                    own_folder: true,
                    path,
                },
                what,
            )
        } else if let Some(rest) = below.strip_prefix("special/approot") {
            (Item::OwnFolder, rest.trim_start_matches('/'))
        } else {
            let rest = below.strip_prefix("items/")?;
            let (id, what) = rest.split_once('/').unwrap_or((rest, ""));
            (Item::Id(id), what)
        };
    Some(Asked { base, item, what })
}

/// Answers what is about an item of a drive; `None` for what is not.
pub(super) fn answer(call: &Call<'_>, path: &str) -> Option<Result<Answer, GraphError>> {
    let asked = parse(path)?;
    Some(handle(call, &asked))
}

fn handle(call: &Call<'_>, asked: &Asked<'_>) -> Result<Answer, GraphError> {
    let method = &call.incoming.method;
    let what = match *method {
        Method::GET => Use::Read,
        _ => Use::Write,
    };
    let own_folder = matches!(
        asked.item,
        Item::OwnFolder
            | Item::Path {
                own_folder: true,
                ..
            }
    );
    let place = place(call, asked.base, what, own_folder)?;
    let path = match &asked.item {
        Item::Path {
            own_folder: false,
            path,
        } => Some((*path).to_owned()),
        Item::Path {
            own_folder: true,
            path,
        } => Some(format!("{}/{path}", app_folder(call))),
        Item::OwnFolder => Some(app_folder(call)),
        Item::Id(_) => None,
    };
    let (folder, name) = split(path.as_deref().unwrap_or_default());
    let store = &call.tenant.files;
    let drive = place.drive.id.as_str();
    let file = || match &asked.item {
        Item::Id(id) => store.by_id(drive, id),
        _ => store.at(drive, folder, name),
    };
    match (method, asked.what) {
        (&Method::PUT, "content") if path.is_some() && !name.is_empty() => {
            put(call, &place, folder, name)
        }
        (&Method::GET, "content") => content(call, &place, &file().ok_or_else(no_item)?),
        (&Method::GET, "children") => {
            let at = path.as_deref().ok_or_else(no_item)?;
            children(call, &place, at)
        }
        (&Method::GET, "") if own_folder && matches!(asked.item, Item::OwnFolder) => {
            // The first look makes it.
            let query = Query::parse(&call.incoming.query, &DRIVE_ITEM)?;
            Ok(query
                .narrow(&DRIVE_ITEM, folder_item(&place, &app_folder(call)))
                .into())
        }
        (&Method::GET, "") => {
            let query = Query::parse(&call.incoming.query, &DRIVE_ITEM)?;
            let whole = describe(call, &file().ok_or_else(no_item)?);
            Ok(query.narrow(&DRIVE_ITEM, whole).into())
        }
        (&Method::DELETE, "") => remove(call, &place, &file().ok_or_else(no_item)?, false),
        (&Method::POST, "permanentDelete") => {
            remove(call, &place, &file().ok_or_else(no_item)?, true)
        }
        _ => Err(GraphError::new(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )),
    }
}

/// `Apps/{name of the application}`.
fn app_folder(call: &Call<'_>) -> String {
    let name = call.claims.app_displayname.as_deref();
    format!("Apps/{}", name.unwrap_or(&call.claims.appid))
}

fn place(call: &Call<'_>, base: &str, what: Use, own: bool) -> Result<Place, GraphError> {
    let only_own = call.claims.has_scope(&["Files.ReadWrite.AppFolder"])
        || call.claims.has_role(&["Files.ReadWrite.AppFolder"]);
    let found = if base == "me" {
        if call.claims.app_only() {
            return Err(GraphError::bad_request(
                "/me request is only valid with delegated authentication flow.",
            ));
        }
        drives::of_person(call, &call.claims.oid, what)
    } else if let Some(user) = base.strip_prefix("users/") {
        drives::of_person(call, user, what)
    } else if let Some(drive) = base.strip_prefix("drives/") {
        drives::by_id(call, drive, what)
    } else if let Some(site) = base.strip_prefix("sites/") {
        sites::library(call, site, what)
    } else {
        Err(no_item())
    };
    // On work accounts the permission for the own folder alone is refused (seen
    // in 2026, onedrive-api-docs#1930): only what is allowed otherwise works.
    match found {
        Err(error) if only_own && own && error.status == 403 => Err(drives::denied()),
        other => other,
    }
}

fn split(path: &str) -> (&str, &str) {
    path.trim_matches('/')
        .rsplit_once('/')
        .unwrap_or(("", path))
}

fn describe(call: &Call<'_>, file: &StoredFile) -> Map<String, Value> {
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("id", file.id.as_str().into());
    put("name", file.name.as_str().into());
    put("size", file.content.len().into());
    put("createdDateTime", time(file.created).into());
    put("lastModifiedDateTime", time(file.created).into());
    put("file", json!({"mimeType": "text/plain"}));
    put("eTag", format!("\"{{{}}},1\"", file.id).into());
    // A key by itself: whoever has it may download.
    let key = call.tenant.random.uuid();
    let host = &call.incoming.host;
    put(
        "@microsoft.graph.downloadUrl",
        format!("https://{host}/download?tempauth={key}").into(),
    );
    whole
}

fn folder_item(place: &Place, path: &str) -> Map<String, Value> {
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("id", item_id(&place.drive.id, path).into());
    put("name", split(path).1.into());
    put("folder", json!({"childCount": 0}));
    whole
}

fn item_id(drive: &str, path: &str) -> String {
    let guid = guid_of(&format!("{drive} {path}"));
    format!("01{}", guid.replace('-', "").to_uppercase())
}

fn put(call: &Call<'_>, place: &Place, folder: &str, name: &str) -> Result<Answer, GraphError> {
    let rules = call.tenant.files.rules();
    if name.contains(['"', '*', ':', '<', '>', '?', '\\', '|']) {
        return Err(GraphError::new(
            400,
            "invalidRequest",
            "The provided name cannot contain any of the following characters.",
        ));
    }
    if rules.locked {
        return Err(GraphError::locked());
    }
    if rules.full {
        return Err(GraphError::new(
            507,
            "quotaLimitReached",
            "Insufficient space available.",
        ));
    }
    let behavior = call.incoming.query.iter().find_map(|(name, value)| {
        name.eq_ignore_ascii_case("@microsoft.graph.conflictBehavior")
            .then_some(value.as_str())
    });
    let store = &call.tenant.files;
    let drive = place.drive.id.as_str();
    match behavior {
        None | Some("replace" | "rename") => {}
        Some("fail") if store.at(drive, folder, name).is_none() => {}
        Some("fail") => {
            let message = "The specified item name already exists.";
            return Err(GraphError::new(409, "nameAlreadyExists", message));
        }
        Some(_) => {
            return Err(GraphError::new(
                400,
                "invalidRequest",
                "Invalid value for conflict behavior.",
            ));
        }
    }
    let file = StoredFile {
        id: item_id(drive, &call.tenant.random.uuid()),
        drive: drive.to_owned(),
        folder: folder.to_owned(),
        name: name.to_owned(),
        content: call.incoming.body.clone(),
        created: call.tenant.clock.now(),
        deleted: false,
    };
    let made = store.put(file);
    if rules.unsure {
        return Err(GraphError::new(
            503,
            "serviceNotAvailable",
            "The service is not available. Try the request again after a delay.",
        ));
    }
    let file = store.at(drive, folder, name).ok_or_else(no_item)?;
    let query = Query::parse(&call.incoming.query, &DRIVE_ITEM)?;
    let body = query.narrow(&DRIVE_ITEM, describe(call, &file));
    Ok(Answer {
        status: if made {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        },
        ..body.into()
    })
}

fn content(call: &Call<'_>, place: &Place, file: &StoredFile) -> Result<Answer, GraphError> {
    let rules = call.tenant.files.rules();
    let key = call.tenant.random.text(64);
    let now = call.tenant.clock.now();
    call.tenant.files.link(key.clone(), file, now);
    let (host, path) = &place.site;
    let host = if rules.elsewhere {
        "files.contoso.net"
    } else {
        host
    };
    let address = if rules.throttle_page {
        format!("https://{host}/_layouts/15/Throttle.htm")
    } else {
        format!(
            "https://{host}/{path}/_layouts/15/download.aspx?UniqueId={}&Translate=false&tempauth=v1.{key}&ApiVersion=2.0",
            guid_of(&file.id)
        )
    };
    Ok(Answer {
        location: (!rules.no_location).then_some(address),
        ..StatusCode::FOUND.into()
    })
}

fn children(call: &Call<'_>, place: &Place, folder: &str) -> Result<Answer, GraphError> {
    let asked = &call.incoming.query;
    let query = Query::parse(asked, &DRIVE_ITEM)?;
    let files = call
        .tenant
        .files
        .inside(&place.drive.id, folder.trim_matches('/'));
    let files = files.ok_or_else(no_item)?;
    let context = format!(
        "{}/$metadata#drives('{}')/root/children",
        call.root, place.drive.id
    );
    let items = files.iter().map(|file| describe(call, file));
    Ok(query
        .page(&DRIVE_ITEM, items, context, &call.url(), asked)
        .into())
}

fn remove(
    call: &Call<'_>,
    place: &Place,
    file: &StoredFile,
    for_good: bool,
) -> Result<Answer, GraphError> {
    let rules = call.tenant.files.rules();
    if for_good && rules.no_permanent_delete {
        return Err(GraphError::no_segment("permanentDelete"));
    }
    if rules.kept {
        let message = "The item cannot be deleted: a retention policy holds it.";
        return Err(GraphError::new(403, "accessDenied", message));
    }
    if rules.locked {
        return Err(GraphError::locked());
    }
    call.tenant
        .files
        .remove(&place.drive.id, &file.id, for_good);
    Ok(StatusCode::NO_CONTENT.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let by_path = |path| Item::Path {
            own_folder: false,
            path,
        };
        for (path, base, item, what) in [
            (
                "sites/h:/sites/m:/drive/root:/a/b.txt:/content",
                "sites/h:/sites/m:",
                by_path("a/b.txt"),
                "content",
            ),
            (
                "sites/h/drive/root:/a/b.txt",
                "sites/h",
                by_path("a/b.txt"),
                "",
            ),
            ("me/drive/root:/a:/children", "me", by_path("a"), "children"),
            ("drives/b!1/items/01A", "drives/b!1", Item::Id("01A"), ""),
            // As Microsoft's SDKs ask.
            (
                "drives/b!1/items/root:/a/b.txt:/content",
                "drives/b!1",
                by_path("a/b.txt"),
                "content",
            ),
            (
                "users/u@x/drive/items/01A/permanentDelete",
                "users/u@x",
                Item::Id("01A"),
                "permanentDelete",
            ),
            (
                "drives/b!1/special/approot",
                "drives/b!1",
                Item::OwnFolder,
                "",
            ),
        ] {
            assert_eq!(parse(path), Some(Asked { base, item, what }), "{path}");
        }
        for path in [
            "me/drive",
            "me/drive/root",
            "me/drive/root/children",
            "drives/b!1",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
