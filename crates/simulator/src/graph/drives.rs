//! Whose drive a path is about and whether it may be used: a person's OneDrive,
//! the library of a site, or a drive by its id (PROTOCOL-KINDS sections 1 and 14).

use serde_json::{Value, json};

use super::error::GraphError;
use super::{Call, guard};
use crate::chance::guid_of;
use crate::directory::{Directory, Drive, DriveState, Site, User};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Read the drive's own object.
    Look,
    /// Read what is in it.
    Read,
    /// Write into it.
    Write,
}

/// A drive that may be used so.
pub(super) struct Place {
    pub(super) drive: Drive,
    /// `business` or `documentLibrary`.
    pub(super) kind: &'static str,
    pub(super) owner: Value,
    /// Where its files are downloaded from: host and path of the site.
    pub(super) site: (String, String),
}

const READ_EVERYWHERE: [&str; 6] = [
    "Files.Read.All",
    "Files.ReadWrite.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
    "Sites.Manage.All",
    "Sites.FullControl.All",
];
const WRITE_EVERYWHERE: [&str; 4] = [
    "Files.ReadWrite.All",
    "Sites.ReadWrite.All",
    "Sites.Manage.All",
    "Sites.FullControl.All",
];
const READ_OWN: [&str; 2] = ["Files.Read", "Files.ReadWrite"];
const WRITE_OWN: [&str; 1] = ["Files.ReadWrite"];
/// Enough to see one's own drive, and nothing in it.
const LOOK_AT_OWN: [&str; 5] = [
    "User.Read",
    "User.ReadWrite",
    "User.Read.All",
    "Files.Read",
    "Files.ReadWrite",
];

/// SharePoint's refusal of everything about drives.
pub(super) fn denied() -> GraphError {
    GraphError::access_denied("Access denied")
}

pub(super) fn no_item() -> GraphError {
    GraphError::new(404, "itemNotFound", "The resource could not be found.")
}

fn no_my_site() -> GraphError {
    GraphError::new(404, "ResourceNotFound", "User's mysite not found.")
}

/// The id of the library of a site.
pub(super) fn library_id(site: &Site) -> String {
    format!("b!{}", guid_of(&format!("drive {}", site.id())))
}

fn everywhere(call: &Call<'_>, what: Use) -> bool {
    let needed: &[&str] = match what {
        Use::Look | Use::Read => &READ_EVERYWHERE,
        Use::Write => &WRITE_EVERYWHERE,
    };
    call.claims.has_role(needed) || call.claims.has_scope(needed)
}

/// By consent of one site, for who acts for it.
fn selected(call: &Call<'_>, site: &Site, what: Use) -> bool {
    let claims = &call.claims;
    let asked = ["Sites.Selected"];
    (claims.has_role(&asked) || claims.has_scope(&asked))
        && match what {
            Use::Look | Use::Read => site.granted_to(&claims.appid),
            Use::Write => site.writable_by(&claims.appid),
        }
}

/// The drive of a person, by object id or UPN.
pub(super) fn of_person(call: &Call<'_>, id: &str, what: Use) -> Result<Place, GraphError> {
    let claims = &call.claims;
    let directory = call.tenant.directory.read();
    let known = directory
        .user(id)
        .filter(|user| user.organization == claims.tid);
    let own = !claims.app_only() && known.is_some_and(|user| user.id == claims.oid);
    let of_own: &[&str] = match what {
        Use::Look => &LOOK_AT_OWN,
        Use::Read => &READ_OWN,
        Use::Write => &WRITE_OWN,
    };
    let consented = || {
        let site = known.and_then(|user| personal_site(&directory, user));
        site.is_some_and(|site| selected(call, site, what))
    };
    if !(everywhere(call, what) || own && claims.has_scope(of_own) || consented()) {
        return Err(denied());
    }
    let user = known.ok_or_else(|| {
        GraphError::new(404, "ResourceNotFound", "Resource could not be discovered.")
    })?;
    let (id, missing) = (user.id.clone(), user.drive.is_none());
    drop(directory);
    if own && missing {
        provision(call, &id);
    }
    let directory = call.tenant.directory.read();
    let user = directory.user(&id).ok_or_else(no_my_site)?;
    place_of(call, &directory, user)
}

fn personal_site<'d>(directory: &'d Directory, user: &User) -> Option<&'d Site> {
    let organization = directory.organization(&user.organization)?;
    let host = organization
        .sharepoint_hosts
        .iter()
        .find(|host| host.contains("-my."))?;
    let path = format!("personal/{}", user.upn.replace(['@', '.'], "_"));
    directory.site(host, &path)
}

/// A person's own first look makes a missing OneDrive, which takes a while.
fn provision(call: &Call<'_>, id: &str) {
    let now = call.tenant.clock.now();
    let mut directory = call.tenant.directory.write();
    let wait = directory
        .organization(&call.claims.tid)
        .map(|organization| organization.provisioning)
        .unwrap_or_default();
    if let Some(user) = directory.user_mut(id) {
        user.drive = Some(Drive {
            ready_from: now.checked_add(wait).ok(),
            ..Drive::new(id)
        });
    }
}

fn place_of(call: &Call<'_>, directory: &Directory, user: &User) -> Result<Place, GraphError> {
    let drive = user.drive.as_ref().ok_or_else(no_my_site)?;
    let now = call.tenant.clock.now();
    if drive.ready_from.is_some_and(|ready| now < ready) {
        return Err(no_my_site());
    }
    check(drive)?;
    let host = directory
        .organization(&user.organization)
        .and_then(|organization| {
            let mut hosts = organization.sharepoint_hosts.iter();
            hosts.find(|host| host.contains("-my.")).cloned()
        })
        .unwrap_or_default();
    let path = format!("personal/{}", user.upn.replace(['@', '.'], "_"));
    Ok(Place {
        drive: drive.clone(),
        kind: "business",
        owner: json!({"user": {"id": user.id, "displayName": user.display_name}}),
        site: (host, path),
    })
}

/// One message of Microsoft's may come with several statuses.
fn check(drive: &Drive) -> Result<(), GraphError> {
    Err(match drive.state {
        DriveState::Ready => return Ok(()),
        DriveState::NeverMade => no_my_site(),
        DriveState::FileNotFound => GraphError::new(404, "itemNotFound", "404 FILE NOT FOUND"),
        DriveState::NoMySite => GraphError::bad_request("Unable to retrieve user's mysite URL."),
        DriveState::NoSharePoint => GraphError::bad_request("Tenant does not have a SPO license."),
        DriveState::Denied => denied(),
        DriveState::Locked => GraphError::locked(),
    })
}

/// The library of a site; of a personal site the OneDrive in it.
pub(super) fn of_site(call: &Call<'_>, site: &Site, what: Use) -> Result<Place, GraphError> {
    let claims = &call.claims;
    let person_may = claims.app_only() || site.readable_by(&claims.oid);
    if !(person_may && (everywhere(call, what) || selected(call, site, what))) {
        return Err(denied());
    }
    guard::is_open(site)?;
    if let Some(owner) = &site.owner {
        let directory = call.tenant.directory.read();
        let user = directory.user(owner).ok_or_else(no_my_site)?;
        return place_of(call, &directory, user);
    }
    Ok(Place {
        drive: Drive {
            id: library_id(site),
            used: 98_765_432,
            total: 27_487_790_694_400,
            children: vec!["General/".into(), "Handbook.docx".into()],
            ..Drive::new(&site.id())
        },
        kind: "documentLibrary",
        owner: json!({"user": {"displayName": format!("{} Owners", site.display_name)}}),
        site: (site.host.clone(), site.path.clone()),
    })
}

/// A drive by its id.
pub(super) fn by_id(call: &Call<'_>, id: &str, what: Use) -> Result<Place, GraphError> {
    let (person, site) = {
        let directory = call.tenant.directory.read();
        let mut users = directory.users();
        let person = users
            .find(|user| user.drive.as_ref().is_some_and(|drive| drive.id == id))
            .map(|user| user.id.clone());
        let site = match person {
            Some(_) => None,
            None => directory
                .sites()
                .find(|site| library_id(site) == id)
                .cloned(),
        };
        (person, site)
    };
    match (person, site) {
        (Some(person), _) => of_person(call, &person, what),
        (None, Some(site)) => {
            guard::any_site(&call.claims)?;
            of_site(call, &site, what)
        }
        (None, None) => Err(no_item()),
    }
}
