//! What a path below the version names.

/// The thing asked for; `tail` is what follows it, without slashes at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// `sites/{host}:/{path}[:/{tail}]`.
    Site {
        host: String,
        path: String,
        tail: &'a str,
    },
    /// `sites/{id}[/{tail}]`; the id may be a host or `root`.
    SiteId { id: &'a str, tail: &'a str },
    /// `me[/{tail}]`.
    Me { tail: &'a str },
    /// `users/{id or UPN}[/{tail}]`.
    User { id: &'a str, tail: &'a str },
    /// `users`.
    Users,
    /// `sites`: a search.
    Sites,
    /// `organization`.
    Organization,
    /// `drives/{id}[/{tail}]`.
    Drive { id: &'a str, tail: &'a str },
    /// The first segment that means nothing here.
    Unknown(&'a str),
}

/// Reads a decoded path such as `sites/contoso.sharepoint.com:/sites/x:/lists`.
pub(super) fn parse(path: &str) -> Target<'_> {
    // Microsoft's SDK for Python asks for `v1.0//sites/…`.
    let path = path.trim_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let (second, tail) = rest.split_once('/').unwrap_or((rest, ""));
    match first {
        "me" => Target::Me { tail: rest },
        "users" if rest.is_empty() => Target::Users,
        "users" => Target::User { id: second, tail },
        "organization" if rest.is_empty() => Target::Organization,
        "drives" if !rest.is_empty() => Target::Drive { id: second, tail },
        "sites" if rest.is_empty() => Target::Sites,
        "sites" => site(rest).unwrap_or(Target::SiteId { id: second, tail }),
        _ => Target::Unknown(first),
    }
}

fn site(rest: &str) -> Option<Target<'_>> {
    let (host, rest) = rest.split_once(":/")?;
    if host.contains('/') {
        return None;
    }
    // A file in its library may be named by a path as well.
    let (path, tail) = match rest.split_once(":/") {
        Some((path, tail)) => (path, tail),
        None => (rest.trim_end_matches(':'), ""),
    };
    Some(Target::Site {
        host: host.to_ascii_lowercase(),
        path: path.trim_matches('/').to_owned(),
        tail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites() {
        let site = |path: &str, tail| Target::Site {
            host: "contoso.sharepoint.com".into(),
            path: path.into(),
            tail,
        };
        let prefix = "sites/contoso.sharepoint.com";
        assert_eq!(
            parse("sites/Contoso.sharepoint.com:/sites/a b:/lists"),
            site("sites/a b", "lists")
        );
        assert_eq!(parse(&format!("{prefix}:/sites/x")), site("sites/x", ""));
        assert_eq!(parse(&format!("{prefix}:/sites/x:")), site("sites/x", ""));
        assert_eq!(
            parse(&format!("{prefix}:/sites/x:/drive/root")),
            site("sites/x", "drive/root")
        );
        let by_id = |id, tail| Target::SiteId { id, tail };
        assert_eq!(parse("sites/root/lists"), by_id("root", "lists"));
        assert_eq!(
            parse("sites/contoso.sharepoint.com/lists"),
            by_id("contoso.sharepoint.com", "lists")
        );
        assert_eq!(parse("sites/h,1,2"), by_id("h,1,2", ""));
        assert_eq!(parse("/sites/h,1,2"), by_id("h,1,2", ""));
    }

    #[test]
    fn others() {
        assert_eq!(parse("me"), Target::Me { tail: "" });
        assert_eq!(parse("me/messages/"), Target::Me { tail: "messages" });
        let user = parse("users/a@b.com/mailFolders/inbox");
        assert_eq!(
            user,
            Target::User {
                id: "a@b.com",
                tail: "mailFolders/inbox"
            }
        );
        assert_eq!(parse("users"), Target::Users);
        assert_eq!(parse("sites"), Target::Sites);
        assert_eq!(parse("teapots/1"), Target::Unknown("teapots"));
    }
}
