//! What is watched.

use super::{KindTable, Table, key};

/// `resources[]`.
pub(in crate::config) static RESOURCE: Table = Table {
    path: "resources[]",
    help: "One thing to watch through one account.",
    keys: &[
        key(
            "name",
            "text, 1 to 128 bytes, without `/`",
            "",
            "Unique; the `resource` label. Not the name of a person.",
        ),
        key(
            "account",
            "name of an account",
            "",
            "Through which account.",
        ),
        key(
            "kind",
            "`sharepoint_site` or `exchange_mailbox`",
            "",
            "What it is, hence how it is asked and judged.",
        ),
        key(
            "interval",
            "duration, 1s to 7d",
            "`defaults.interval`",
            "How often.",
        ),
        key(
            "timeout",
            "duration, less than the interval",
            "`defaults.timeout`",
            "For the request.",
        ),
        key(
            "mode",
            "`background`, `on_scrape` or `on_probe`",
            "`defaults.mode`",
            "Where it is probed from.",
        ),
        key(
            "connection",
            "`new` or `reuse`",
            "`defaults.connection`",
            "Which connection it takes.",
        ),
        key(
            "min_age",
            "duration, at most the interval",
            "`defaults.min_age`",
            "A younger report is reused.",
        ),
        key(
            "labels",
            "mapping of label names to text",
            "none",
            "On every series of this resource, besides those of the process; of two with one name this one wins.",
        ),
    ],
};

/// The kinds of resources.
pub(in crate::config) static KINDS: &[KindTable] = &[
    KindTable {
        name: "sharepoint_site",
        help: "Asks for the names of the site's lists; one is enough.",
        keys: &[
            key(
                "url",
                "`https://` URL",
                "",
                "The site, as `https://contoso.sharepoint.com/sites/intranet`; not a page in it.",
            ),
            key(
                "api",
                "`graph` or `sharepoint`",
                "`graph`",
                "Microsoft Graph or SharePoint's own REST. The latter takes no app-only token that was had by a client secret.",
            ),
        ],
    },
    KindTable {
        name: "exchange_mailbox",
        help: "Asks for one message id.",
        keys: &[key(
            "user",
            "user principal name or object id",
            "the person of `delegated`",
            "Whose mailbox. Needed unless the account is delegated.",
        )],
    },
];
