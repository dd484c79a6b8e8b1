//! The names and ids under which tests and configurations know Contoso.

/// Contoso's tenant GUID.
pub const TENANT_ID: &str = "5f8f4a3c-8a3e-4f0e-9a57-0c0a7c1d2b01";
/// Contoso's initial domain.
pub const DOMAIN: &str = "contoso.onmicrosoft.com";
/// Contoso's SharePoint host.
pub const SHAREPOINT_HOST: &str = "contoso.sharepoint.com";
/// Contoso's host of personal sites.
pub const PERSONAL_HOST: &str = "contoso-my.sharepoint.com";
/// An organization whose sites and people are not Contoso's.
pub const OTHER_TENANT_ID: &str = "0b2d8c56-3c52-4c1b-8d3e-6a1f5e9c7d02";

/// A confidential client with a secret; reads all sites and mailboxes.
pub const APP_CLIENT_ID: &str = "11111111-aaaa-4000-8000-000000000001";
/// A public client that people sign in to.
pub const DELEGATED_CLIENT_ID: &str = "11111111-aaaa-4000-8000-000000000002";
/// For certificates and federated credentials (none registered yet);
/// `Sites.Selected` on Graph and on SharePoint, granted on the intranet.
pub const CERTIFICATE_CLIENT_ID: &str = "11111111-aaaa-4000-8000-000000000003";
/// A confidential client with a secret that people sign in to.
pub const CONFIDENTIAL_CLIENT_ID: &str = "11111111-aaaa-4000-8000-000000000004";
/// The least: a secret, `Sites.Selected` granted on the intranet, and one
/// mailbox by RBAC for Applications.
pub const SELECTED_CLIENT_ID: &str = "11111111-aaaa-4000-8000-000000000005";
/// The identity of a machine.
pub const IDENTITY_CLIENT_ID: &str = "11111111-aaaa-4000-8000-000000000006";
/// A confidential client with a secret and the application permissions of all
/// kinds beyond sites and mailboxes.
pub const SERVICES_CLIENT_ID: &str = "11111111-aaaa-4000-8000-000000000007";

/// *Microsoft Graph Command Line Tools*: Microsoft's own public client. Nobody in
/// Contoso has consented to it yet.
pub const COMMAND_LINE_TOOLS_CLIENT_ID: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

/// An API that Contoso made: its client id, which is an audience of its tokens.
pub const ORDERS_CLIENT_ID: &str = "11111111-bbbb-4000-8000-000000000001";
/// Its App ID URI.
pub const ORDERS_URI: &str = "api://11111111-bbbb-4000-8000-000000000001";
/// Another App ID URI of it.
pub const ORDERS_ALIAS: &str = "api://orders.contoso.com";
/// Where it is.
pub const ORDERS_HOST: &str = "orders.contoso.com";
