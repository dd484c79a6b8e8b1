//! People and the organization.

use serde_json::{Map, Value, json};

use super::entity::{ORGANIZATION, USER};
use super::error::GraphError;
use super::query::Query;
use super::{Answer, Call, files, guard, mail};
use crate::directory::User;

const READ_SELF: [&str; 6] = [
    "User.Read",
    "User.ReadWrite",
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
];
const READ_BASIC: [&str; 4] = [
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
];
const READ_FULL: [&str; 3] = ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All"];
const READ_ORGANIZATION: [&str; 3] = [
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
];

/// `me[/{tail}]`.
pub(super) fn me(call: &Call<'_>, tail: &str) -> Result<Answer, GraphError> {
    if call.claims.app_only() {
        return Err(GraphError::bad_request(
            "/me request is only valid with delegated authentication flow.",
        ));
    }
    let id = call.claims.oid.clone();
    below(call, &id, tail)
}

/// `users/{id or UPN}[/{tail}]`.
pub(super) fn user(call: &Call<'_>, id: &str, tail: &str) -> Result<Answer, GraphError> {
    below(call, id, tail)
}

fn below(call: &Call<'_>, id: &str, tail: &str) -> Result<Answer, GraphError> {
    if mail::is_mail(tail) {
        return mail::answer(call, id, tail);
    }
    if tail == "drive" || tail.starts_with("drive/") {
        return files::of_person(call, id, tail.trim_start_matches("drive")).map(Into::into);
    }
    if !tail.is_empty() {
        let segment = tail.split('/').next().unwrap_or_default();
        return Err(GraphError::no_segment(segment));
    }
    let directory = call.tenant.directory.read();
    let found = directory
        .user(id)
        .filter(|user| user.organization == call.claims.tid);
    let own = found.is_some_and(|user| user.id == call.claims.oid);
    guard::directory(&call.claims, if own { &READ_SELF } else { &READ_BASIC })?;
    let user = found.ok_or_else(|| {
        let message = format!(
            "Resource '{id}' does not exist or one of its queried reference-property \
             objects are not present."
        );
        GraphError::new(404, "Request_ResourceNotFound", message)
    })?;
    let query = Query::parse(&call.incoming.query, &USER)?;
    if query.selects("accountEnabled") {
        guard::directory(&call.claims, &READ_FULL)?;
    }
    let mut whole = describe(user);
    whole.insert(
        "@odata.context".into(),
        format!("{}/$metadata#users/$entity", call.root).into(),
    );
    Ok(query.narrow(&USER, whole).into())
}

/// `users`.
pub(super) fn list(call: &Call<'_>) -> Result<Answer, GraphError> {
    guard::directory(&call.claims, &READ_BASIC)?;
    let (searches, options): (Vec<_>, Vec<_>) = call
        .incoming
        .query
        .iter()
        .cloned()
        .partition(|(name, _)| name.eq_ignore_ascii_case("$search"));
    let search = match searches.first() {
        Some((_, text)) => search(call, text)?,
        None => Vec::new(),
    };
    let query = Query::parse(&options, &USER)?;
    let directory = call.tenant.directory.read();
    let mut users: Vec<_> = directory
        .users()
        .filter(|user| user.organization == call.claims.tid)
        .map(describe)
        .filter(|user| search.is_empty() || search.iter().any(|clause| clause.fits(user)))
        .collect();
    let upn = |user: &Map<String, Value>| user.get("userPrincipalName").map(Value::to_string);
    users.sort_by_key(upn);
    let context = format!("{}/$metadata#users", call.root);
    let items = users.into_iter();
    // Pages of a search repeat it.
    let asked = &call.incoming.query;
    Ok(query.page(&USER, items, context, &call.url(), asked).into())
}

/// `"{property}:{text}"` of a search.
struct Clause {
    property: &'static str,
    text: String,
}

impl Clause {
    /// A word of the name begins so, or the whole of another property does.
    fn fits(&self, user: &Map<String, Value>) -> bool {
        let value = user.get(self.property).and_then(Value::as_str);
        let value = value.unwrap_or_default().to_lowercase();
        let words = value.split(|c: char| !c.is_alphanumeric());
        value.starts_with(&self.text)
            || (self.property == "displayName" && { words }
                .any(|word| word.starts_with(&self.text)))
    }
}

/// `$search` (Microsoft Graph, "Use the $search query parameter"): clauses in
/// quotes, joined by `OR`, and only with eventual consistency.
fn search(call: &Call<'_>, text: &str) -> Result<Vec<Clause>, GraphError> {
    const MAY: [&str; 5] = [
        "displayName",
        "givenName",
        "mail",
        "surname",
        "userPrincipalName",
    ];
    if call.incoming.consistency != "eventual" {
        return Err(GraphError::new(
            400,
            "Request_UnsupportedQuery",
            "Request with $search query parameter only works through MSGraph with a special \
             request header: 'ConsistencyLevel: eventual'",
        ));
    }
    let bad = |why: &str| GraphError::bad_request(format!("Syntax error: {why} in '{text}'."));
    let mut clauses = Vec::new();
    let mut rest = text.trim();
    loop {
        let inside = rest.strip_prefix('"');
        let inside = inside.ok_or_else(|| bad("a clause must be enclosed in double quotes"))?;
        let (mut clause, mut escaped, mut end) = (String::new(), false, None);
        for (at, c) in inside.char_indices() {
            match c {
                '\\' if !escaped => escaped = true,
                '"' if !escaped => {
                    end = Some(at + 1);
                    break;
                }
                _ => {
                    clause.push(c);
                    escaped = false;
                }
            }
        }
        let end = end.ok_or_else(|| bad("a double quote is missing"))?;
        let (name, text) = clause
            .split_once(':')
            .ok_or_else(|| bad("a property is missing"))?;
        let property = MAY.into_iter().find(|may| may.eq_ignore_ascii_case(name));
        clauses.push(Clause {
            property: property.ok_or_else(|| bad("the property cannot be searched"))?,
            text: text.to_lowercase(),
        });
        rest = inside.get(end..).unwrap_or_default().trim();
        if rest.is_empty() {
            return Ok(clauses);
        }
        rest = rest
            .strip_prefix("OR ")
            .ok_or_else(|| bad("OR is missing"))?
            .trim_start();
    }
}

fn describe(user: &User) -> Map<String, Value> {
    let (given, surname) = user
        .display_name
        .split_once(' ')
        .unwrap_or((&user.display_name, ""));
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("id", user.id.as_str().into());
    put("displayName", user.display_name.as_str().into());
    put("givenName", given.into());
    put("surname", surname.into());
    put("userPrincipalName", user.upn.as_str().into());
    let mail = user.mailbox.as_ref().map(|_| user.upn.as_str());
    put("mail", mail.into());
    put("businessPhones", json!([]));
    for name in [
        "jobTitle",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
    ] {
        put(name, Value::Null);
    }
    put("accountEnabled", (!user.disabled).into());
    put(
        "userType",
        if user.guest { "Guest" } else { "Member" }.into(),
    );
    whole
}

/// `organization`.
pub(super) fn organization(call: &Call<'_>) -> Result<Answer, GraphError> {
    let claims = &call.claims;
    let full = claims.has_scope(&READ_ORGANIZATION) || claims.has_role(&READ_ORGANIZATION);
    if !claims.app_only() && !full && !claims.has_scope(&READ_SELF) {
        return Err(GraphError::insufficient());
    }
    let asked = &call.incoming.query;
    let query = Query::parse(asked, &ORGANIZATION)?;
    let directory = call.tenant.directory.read();
    let organization = directory.organization(&claims.tid).ok_or_else(|| {
        GraphError::bad_request(
            "Invalid tenant identifier; it must match that of the requested tenant.",
        )
    })?;
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    put("id", organization.id.as_str().into());
    put("displayName", organization.display_name.as_str().into());
    let domains: Vec<_> = organization
        .domains
        .iter()
        .enumerate()
        .map(|(at, name)| {
            json!({
                "capabilities": "Email, OfficeCommunicationsOnline", "isDefault": at == 0,
                "isInitial": at == 0, "name": name, "type": "Managed",
            })
        })
        .collect();
    put("verifiedDomains", domains.into());
    // The rest is null without the permission, not refused.
    let synchronized = organization.synchronized.filter(|_| full);
    put("onPremisesSyncEnabled", synchronized.into());
    let synced = synchronized.map(|_| {
        let now = call.tenant.clock.now();
        let ago = std::time::Duration::from_secs(organization.synchronized_minutes * 60);
        super::varied(now.checked_sub(ago).unwrap_or(now))
    });
    put("onPremisesLastSyncDateTime", synced.into());
    let context = format!("{}/$metadata#organization", call.root);
    let body = query.page(
        &ORGANIZATION,
        [whole].into_iter(),
        context,
        &call.url(),
        asked,
    );
    Ok(body.into())
}
