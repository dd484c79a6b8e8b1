//! The directory that a simulated tenant has unless told otherwise: Contoso
//! with its people, sites and one application for each kind of credential.

use std::collections::BTreeSet;
use std::time::Duration;

use super::names::{
    APP_CLIENT_ID, CERTIFICATE_CLIENT_ID, COMMAND_LINE_TOOLS_CLIENT_ID, CONFIDENTIAL_CLIENT_ID,
    DELEGATED_CLIENT_ID, DOMAIN, IDENTITY_CLIENT_ID, OTHER_TENANT_ID, PERSONAL_HOST,
    SELECTED_CLIENT_ID, SERVICES_CLIENT_ID, SHAREPOINT_HOST, TENANT_ID,
};
use super::{
    Application, ClientSecret, Cloud, Directory, Health, MailboxScope, Organization, Platform,
    RedirectUri, ResourceApp, Site, Team, User,
};
use crate::chance::Seeded;
use m365mon_base::{Secret, Timestamp};

const SITES: [(&str, &str); 9] = [
    ("", "Communication site"),
    ("sites/intranet", "Intranet"),
    ("sites/marketing", "Marketing"),
    ("sites/engineering", "Engineering"),
    ("sites/finance", "Finance"),
    ("sites/hr", "People"),
    ("teams/project-x", "Project X"),
    ("sites/archive", "Archive"),
    ("sites/monitoring", "Monitoring"),
];

/// Application permissions of Graph that the kinds beyond sites and mailboxes need.
pub(super) const SERVICE_ROLES: [&str; 11] = [
    "Application.Read.All",
    "Calendars.ReadBasic",
    "DeviceManagementServiceConfig.Read.All",
    "LicenseAssignment.Read.All",
    "Mail.ReadWrite",
    "Mail.Send",
    "Organization.Read.All",
    "Presence.Read.All",
    "ServiceHealth.Read.All",
    "ServiceMessage.Read.All",
    "Sites.Selected",
];

const PEOPLE: [(&str, &str); 7] = [
    ("steve", "Steve Jackson"),
    ("monitoring", "Monitoring"),
    ("helpdesk", "Help Desk"),
    ("info", "Information"),
    ("admin", "Administrator"),
    ("probe", "Probe"),
    ("room-ams-4.12", "Room 4.12"),
];

pub(super) fn build(random: &Seeded, now: Timestamp) -> Directory {
    let mut directory = Directory::new();
    organizations(&mut directory, now);
    people(&mut directory, random);
    sites(&mut directory);
    teams(&mut directory);
    applications(&mut directory, random, now);
    directory
}

pub(super) fn contoso(now: Timestamp) -> Organization {
    Organization {
        id: TENANT_ID.into(),
        display_name: "Contoso".into(),
        domains: vec![DOMAIN.into(), "contoso.com".into()],
        cloud: Cloud::Global,
        sharepoint_hosts: vec![SHAREPOINT_HOST.into(), PERSONAL_HOST.into()],
        user_consent: false,
        device_code_blocked: false,
        token_lifetime: None,
        sign_in_frequency: None,
        health: Health::new(now),
        licences: super::usual_licences(),
        provisioning: Duration::ZERO,
        apple_push_days: Some(120),
        synchronized: Some(true),
        synchronized_minutes: 15,
        refuses_people: None,
        device_code_by_flow: false,
        assignment_required: false,
    }
}

fn organizations(directory: &mut Directory, now: Timestamp) {
    let contoso = contoso(now);
    let other = Organization {
        id: OTHER_TENANT_ID.into(),
        display_name: "Contoso Subsidiary".into(),
        domains: vec!["contoso-subsidiary.onmicrosoft.com".into()],
        sharepoint_hosts: vec!["contoso-subsidiary.sharepoint.com".into()],
        ..contoso.clone()
    };
    directory.add_organization(contoso);
    directory.add_organization(other);
    directory.add_site(Site::new(
        "contoso-subsidiary.sharepoint.com",
        "",
        "Subsidiary",
    ));
}

fn people(directory: &mut Directory, random: &Seeded) {
    for (name, display_name) in PEOPLE {
        let password = Secret::new(random.text(16));
        let mut user = User::new(
            &format!("{name}@{DOMAIN}"),
            display_name,
            TENANT_ID,
            password,
        );
        if name == "admin" {
            user.administrator = true;
            user.mailbox = None;
        }
        directory.add_user(user);
    }
    let guest = User {
        guest: true,
        mailbox: None,
        drive: None,
        ..User::new(
            "guest@contoso2.com",
            "Guest",
            TENANT_ID,
            Secret::new(random.text(16)),
        )
    };
    directory.add_user(guest);
    let other = format!("chris@{}", "contoso-subsidiary.onmicrosoft.com");
    let password = Secret::new(random.text(16));
    directory.add_user(User::new(&other, "Chris", OTHER_TENANT_ID, password));
}

fn sites(directory: &mut Directory) {
    for (path, name) in SITES {
        let mut site = Site::new(SHAREPOINT_HOST, path, name);
        if path == "sites/intranet" {
            site.grant(SELECTED_CLIENT_ID, "read");
            site.grant(CERTIFICATE_CLIENT_ID, "read");
        }
        if path == "sites/monitoring" {
            site.grant(SERVICES_CLIENT_ID, "write");
        }
        directory.add_site(site);
    }
    let steve = format!("steve@{DOMAIN}");
    if let Some(owner) = directory.user(&steve).map(|user| user.id.clone()) {
        let mut site = Site::personal(PERSONAL_HOST, &steve, &owner, "Steve Jackson");
        site.grant(SERVICES_CLIENT_ID, "read");
        directory.add_site(site);
    }
}

fn teams(directory: &mut Directory) {
    for (name, display_name) in [("service-desk", "Service Desk"), ("project-x", "Project X")] {
        let mut team = Team::new(name, display_name, TENANT_ID);
        let steve = directory.user(&format!("steve@{DOMAIN}"));
        team.members.extend(steve.map(|user| user.id.clone()));
        if name == "service-desk" {
            team.consent(SERVICES_CLIENT_ID, "ChannelSettings.Read.Group");
        }
        directory.add_team(team);
    }
}

pub(super) fn secret(random: &Seeded, now: Timestamp) -> ClientSecret {
    let days = |n: u64| Duration::from_secs(n * 86400);
    ClientSecret {
        key_id: m365mon_base::Random::uuid(random),
        value: Secret::new(format!("{}~{}", random.text(5), random.text(34))),
        starts: now.checked_sub(days(30)).unwrap_or(now),
        ends: now.checked_add(days(180)).unwrap_or(now),
        hinted: true,
    }
}

fn applications(directory: &mut Directory, random: &Seeded, now: Timestamp) {
    let steve = directory
        .user(&format!("steve@{DOMAIN}"))
        .map(|user| user.id.clone())
        .unwrap_or_default();
    let monitoring = directory
        .user(&format!("monitoring@{DOMAIN}"))
        .map(|user| user.id.clone())
        .unwrap_or_default();
    let delegated: [(ResourceApp, &[&str]); 2] = [
        (ResourceApp::Graph, &["Sites.Read.All", "Mail.ReadBasic"]),
        (ResourceApp::SharePoint, &["AllSites.Read"]),
    ];

    let mut app = Application::new(APP_CLIENT_ID, "m365mon", TENANT_ID);
    app.secrets.push(secret(random, now));
    for role in ["Sites.Read.All", "Mail.ReadBasic.All"] {
        app.grant_role(ResourceApp::Graph, role);
    }
    app.grant_role(ResourceApp::SharePoint, "Sites.Read.All");
    directory.add_application(app);

    let mut app = Application::new(DELEGATED_CLIENT_ID, "m365mon for people", TENANT_ID);
    app.public_client = true;
    for uri in ["http://localhost", "http://localhost/auth/callback"] {
        app.redirect_uris.push(RedirectUri {
            uri: uri.into(),
            platform: Platform::PublicClient,
        });
    }
    for (resource, scopes) in delegated {
        app.grant_scopes(Some(&steve), resource, scopes);
    }
    directory.add_application(app);

    let mut app = Application::new(CERTIFICATE_CLIENT_ID, "m365mon by certificate", TENANT_ID);
    for resource in [ResourceApp::Graph, ResourceApp::SharePoint] {
        app.grant_role(resource, "Sites.Selected");
    }
    directory.add_application(app);

    let mut app = Application::new(CONFIDENTIAL_CLIENT_ID, "m365mon confidential", TENANT_ID);
    app.secrets.push(secret(random, now));
    for uri in [
        "http://localhost:10365/auth/callback",
        "https://m365mon.contoso.com/auth/callback",
    ] {
        app.redirect_uris.push(RedirectUri {
            uri: uri.into(),
            platform: Platform::Web,
        });
    }
    for (resource, scopes) in delegated {
        app.grant_scopes(Some(&steve), resource, scopes);
    }
    directory.add_application(app);

    let mut app = Application::new(SELECTED_CLIENT_ID, "m365mon least privilege", TENANT_ID);
    app.secrets.push(secret(random, now));
    app.grant_role(ResourceApp::Graph, "Sites.Selected");
    app.mailbox_scopes.push(MailboxScope {
        role: "Mail.ReadBasic".into(),
        mailboxes: BTreeSet::from([monitoring]),
    });
    directory.add_application(app);

    let mut app = Application::new(SERVICES_CLIENT_ID, "m365mon for services", TENANT_ID);
    app.secrets.push(secret(random, now));
    for role in SERVICE_ROLES {
        app.grant_role(ResourceApp::Graph, role);
    }
    app.grant_role(ResourceApp::Orders, "Health.Read");
    directory.add_application(app);

    let tools = "Microsoft Graph Command Line Tools";
    let mut app = Application::new(COMMAND_LINE_TOOLS_CLIENT_ID, tools, TENANT_ID);
    app.public_client = true;
    app.redirect_uris.push(RedirectUri {
        uri: "http://localhost".into(),
        platform: Platform::PublicClient,
    });
    directory.add_application(app);

    let mut app = Application::new(IDENTITY_CLIENT_ID, "a machine", TENANT_ID);
    app.managed_identity = true;
    for role in ["Sites.Read.All", "Mail.ReadBasic.All"] {
        app.grant_role(ResourceApp::Graph, role);
    }
    app.grant_role(ResourceApp::SharePoint, "Sites.Read.All");
    directory.add_application(app);
}
