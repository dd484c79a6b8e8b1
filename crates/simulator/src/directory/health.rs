//! What Microsoft says about its own services to an organization.

use m365mon_base::Timestamp;

/// One service that the organization subscribes to.
#[derive(Debug, Clone)]
pub struct ServiceHealth {
    /// A short string of Microsoft's: `Exchange`, `microsoftteams`.
    pub id: String,
    /// As people see it.
    pub name: String,
    /// A member of `serviceHealthStatus`, or a word that no list knows yet.
    pub status: String,
}

/// An advisory or an incident.
#[derive(Debug, Clone)]
pub struct HealthIssue {
    /// `EX1234567`.
    pub id: String,
    /// The name of its service, not the id.
    pub service: String,
    /// `advisory` or `incident`.
    pub classification: String,
    /// A member of `serviceHealthStatus`.
    pub status: String,
    /// It began then.
    pub starts: Timestamp,
    /// `None` while it lasts.
    pub ends: Option<Timestamp>,
    /// Microsoft's staff wrote about it then.
    pub modified: Timestamp,
}

/// The services of an organization and what was or is wrong with them.
#[derive(Debug, Clone)]
pub struct Health {
    /// In no order that means anything.
    pub services: Vec<ServiceHealth>,
    /// Long-resolved ones as well.
    pub issues: Vec<HealthIssue>,
}

/// Ids and names; the last is of those that a client cannot know.
const SERVICES: [(&str, &str); 8] = [
    ("Exchange", "Exchange Online"),
    ("SharePoint", "SharePoint Online"),
    ("microsoftteams", "Microsoft Teams"),
    ("OneDriveForBusiness", "OneDrive for Business"),
    ("OrgLiveID", "Identity Service"),
    ("OSDPPlatform", "Microsoft 365 suite"),
    ("Intune", "Microsoft Intune"),
    ("NewThing", "Some New Service"),
];

impl Health {
    /// All services work; one incident of a week ago is over, and one advisory
    /// is open.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        let ago =
            |hours: i64| Timestamp::from_second(now.as_second() - hours * 3600).unwrap_or(now);
        let issue = |id: &str, service: &str, classification: &str, status: &str| HealthIssue {
            id: id.to_owned(),
            service: service.to_owned(),
            classification: classification.to_owned(),
            status: status.to_owned(),
            starts: ago(170),
            ends: Some(ago(165)),
            modified: ago(150),
        };
        Self {
            services: SERVICES
                .iter()
                .map(|(id, name)| ServiceHealth {
                    id: (*id).to_owned(),
                    name: (*name).to_owned(),
                    status: "serviceOperational".to_owned(),
                })
                .collect(),
            issues: vec![
                issue("EX100001", "Exchange Online", "incident", "serviceRestored"),
                HealthIssue {
                    ends: None,
                    ..issue(
                        "MO100002",
                        "Microsoft 365 suite",
                        "advisory",
                        "investigating",
                    )
                },
            ],
        }
    }

    /// A service by id or name, in any spelling.
    #[must_use]
    pub fn service(&self, key: &str) -> Option<&ServiceHealth> {
        self.services
            .iter()
            .find(|s| s.id.eq_ignore_ascii_case(key) || s.name.eq_ignore_ascii_case(key))
    }

    /// Sets the status of a service (a new one if there is none of this id) and
    /// keeps its open incident in step: one begins with the first status that
    /// is not well, and ends with the first that is.
    pub fn set(&mut self, id: &str, status: &str, now: Timestamp) {
        let name = match self.service(id) {
            Some(service) => service.name.clone(),
            None => {
                self.services.push(ServiceHealth {
                    id: id.to_owned(),
                    name: id.to_owned(),
                    status: String::new(),
                });
                id.to_owned()
            }
        };
        for service in &mut self.services {
            if service.name == name {
                status.clone_into(&mut service.status);
            }
        }
        let well = matches!(
            status,
            "serviceOperational" | "serviceRestored" | "falsePositive" | "resolved"
        );
        let open = |issue: &&mut HealthIssue| {
            issue.service == name && issue.ends.is_none() && issue.classification == "incident"
        };
        match (self.issues.iter_mut().find(open), well) {
            (Some(issue), _) => {
                let written = if well { "serviceRestored" } else { status };
                written.clone_into(&mut issue.status);
                issue.modified = now;
                issue.ends = well.then_some(now);
            }
            (None, true) => {}
            (None, false) => self.issues.push(HealthIssue {
                id: format!("XX{}", 200_001 + self.issues.len()),
                service: name,
                classification: "incident".to_owned(),
                status: status.to_owned(),
                starts: now,
                ends: None,
                modified: now,
            }),
        }
    }
}
