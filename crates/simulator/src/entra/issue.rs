//! Issuing: what the tokens say and how long they live (PROTOCOL sections
//! 2.1, 2.6 and 3.1).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::aadsts::{self, EntraError};
use super::client::Proof;
use super::scope::RequestedScopes;
use super::sessions::{Grant, REFRESH_DAYS, Refresh};
use crate::Tenant;
use crate::directory::{Application, Organization, ResourceApp, User};
use crate::tokens::{BACKDATED, Claims};
use m365mon_base::Random;

/// What the `claims` parameter asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ClaimsRequest {
    /// The client takes claims challenges.
    pub(super) cp1: bool,
    /// A challenge that it got: nothing issued before.
    pub(super) not_before: Option<i64>,
}

impl ClaimsRequest {
    /// Reads OpenID Connect's `claims` parameter; anything but an object is refused.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, EntraError> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        let value: Value = serde_json::from_str(text)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| aadsts::bad_input("claims"))?;
        let access = &value["access_token"];
        let capabilities = access["xms_cc"]["values"].as_array();
        Ok(Self {
            cp1: capabilities.is_some_and(|values| values.iter().any(|v| v == "cp1")),
            not_before: match &access["nbf"]["value"] {
                Value::String(text) => text.parse().ok(),
                number => number.as_i64(),
            },
        })
    }
}

/// How long an access token lives, and when to renew one that lives long.
struct TokenLifetime {
    seconds: i64,
    refresh_in: Option<i64>,
}

impl TokenLifetime {
    fn choose(
        tenant: &Tenant,
        organization: &Organization,
        challenges: bool,
        usual: (i64, i64),
    ) -> Self {
        let between = |(from, to): (i64, i64)| {
            from + ((to - from) as f64 * tenant.random.fraction()).round() as i64
        };
        // A fixed life is for tests, and decides over everything.
        if let Some(fixed) = organization.token_lifetime {
            let seconds = i64::try_from(fixed.as_secs()).unwrap_or(i64::MAX).max(1);
            return Self {
                seconds,
                refresh_in: (seconds > 7200 && !tenant.entra.policy().refresh_in_untold)
                    .then_some(seconds / 2),
            };
        }
        let seconds = between(if challenges {
            (20 * 3600, 28 * 3600)
        } else {
            usual
        });
        Self {
            seconds,
            refresh_in: (seconds > 7200 && !tenant.entra.policy().refresh_in_untold)
                .then_some(seconds / 2),
        }
    }
}

/// Everything that an answer is made from.
pub(super) struct Issue<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) organization: &'a Organization,
    pub(super) app: &'a Application,
    pub(super) proof: Proof,
    pub(super) claims: ClaimsRequest,
    /// Some team consented to the application (resource-specific consent).
    pub(super) consented_by_a_team: bool,
    /// `https://login.microsoftonline.com`.
    pub(super) base: &'a str,
}

/// What a person's answer holds beside the access token.
pub(super) struct PersonExtras<'a> {
    pub(super) nonce: Option<&'a str>,
    /// `client_info=1` was asked for.
    pub(super) client_info: bool,
    /// A refresh token, and the id of its family if there is one already.
    pub(super) refresh: Option<RefreshOptions>,
}

/// The refresh token to make.
pub(super) struct RefreshOptions {
    pub(super) family: Option<String>,
    /// For single-page applications: ends then, whatever happens.
    pub(super) ends: Option<i64>,
}

impl Issue<'_> {
    fn usual_claims(
        &self,
        audience: &str,
        oid: &str,
        challenges: bool,
        life: &TokenLifetime,
    ) -> Claims {
        let now = self.tenant.clock.epoch();
        let issued = now - BACKDATED;
        Claims {
            aud: audience.to_owned(),
            iss: format!("https://sts.windows.net/{}/", self.organization.id),
            iat: issued,
            // What answers a challenge is not backdated beyond it.
            nbf: self
                .claims
                .not_before
                .map_or(issued, |since| since.clamp(issued, now)),
            exp: now.saturating_add(life.seconds),
            tid: self.organization.id.clone(),
            oid: oid.to_owned(),
            sub: oid.to_owned(),
            appid: self.app.client_id.clone(),
            appidacr: self.proof.acr().to_owned(),
            idtyp: "app".into(),
            scp: None,
            roles: None,
            upn: None,
            unique_name: None,
            name: None,
            app_displayname: Some(self.app.display_name.clone()),
            xms_cc: challenges.then(|| vec!["cp1".into()]),
            uti: self.tenant.random.text(22),
            ver: "1.0".into(),
        }
    }

    fn body(&self, life: &TokenLifetime, token: &str) -> Value {
        // One second is thought to be on the way.
        let seconds = (life.seconds - 1).max(1);
        let number = |n: i64| {
            if self.tenant.entra.policy().numbers_as_strings {
                Value::String(n.to_string())
            } else {
                n.into()
            }
        };
        let mut body = json!({
            "token_type": "Bearer",
            "expires_in": number(seconds),
            "ext_expires_in": number(seconds),
            "access_token": token,
        });
        if let Some(refresh_in) = life.refresh_in {
            body["refresh_in"] = number(refresh_in);
        }
        body
    }

    /// The claims of an application's own token; `usual` bounds its life in seconds.
    fn app_claims(&self, wanted: &RequestedScopes, usual: (i64, i64)) -> (Claims, TokenLifetime) {
        // Without a person only Graph evaluates continuously.
        let challenges = self.claims.cp1 && wanted.resource == ResourceApp::Graph;
        let life = TokenLifetime::choose(self.tenant, self.organization, challenges, usual);
        let mut roles = self.app.roles(wanted.resource);
        if wanted.resource == ResourceApp::Graph && self.consented_by_a_team {
            // Which teams, and to what, is not in the token.
            roles.push("Group.Selected".to_owned());
        }
        let claims = Claims {
            roles: (!roles.is_empty()).then_some(roles),
            ..self.usual_claims(&wanted.audience, &self.app.object_id, challenges, &life)
        };
        (claims, life)
    }

    /// The answer to client credentials.
    pub(super) fn for_app(&self, wanted: &RequestedScopes) -> Value {
        let (claims, life) = self.app_claims(wanted, (3600, 5400));
        self.body(&life, &self.tenant.tokens.mint(&claims))
    }

    /// A managed identity's token and its claims; a day long unless fixed.
    pub(super) fn for_machine(&self, wanted: &RequestedScopes) -> (String, Claims) {
        let (claims, _) = self.app_claims(wanted, (86_400, 86_400));
        (self.tenant.tokens.mint(&claims), claims)
    }

    /// The answer to every grant of a person. `granted` is what was consented
    /// to on the API that `wanted` names.
    pub(super) fn for_person(
        &self,
        user: &User,
        grant: &Grant,
        wanted: &RequestedScopes,
        granted: &BTreeSet<String>,
        extras: &PersonExtras<'_>,
    ) -> Value {
        let life = TokenLifetime::choose(
            self.tenant,
            self.organization,
            self.claims.cp1,
            (3600, 5400),
        );
        let mut scopes: Vec<&str> = granted.iter().map(String::as_str).collect();
        if wanted.openid.openid && wanted.resource == ResourceApp::Graph {
            scopes.extend(["profile", "openid", "email"]);
        }
        let claims = Claims {
            idtyp: "user".into(),
            scp: Some(scopes.join(" ")),
            upn: Some(user.upn.clone()),
            unique_name: Some(user.upn.clone()),
            name: Some(user.display_name.clone()),
            ..self.usual_claims(&wanted.audience, &user.id, self.claims.cp1, &life)
        };
        let mut body = self.body(&life, &self.tenant.tokens.mint(&claims));
        body["scope"] = wanted.answer(granted).into();
        if let Some(order) = &extras.refresh {
            body["refresh_token"] = self.refresh_token(grant, order).into();
            if self.tenant.entra.policy().refresh_lifetime_told {
                body["refresh_token_expires_in"] = (REFRESH_DAYS * 86_400).into();
            }
        }
        if wanted.openid.openid {
            body["id_token"] = self.id_token(user, wanted, extras.nonce).into();
        }
        if extras.client_info {
            let info = json!({"uid": user.id, "utid": self.organization.id}).to_string();
            body["client_info"] = URL_SAFE_NO_PAD.encode(info).into();
        }
        body
    }

    fn refresh_token(&self, grant: &Grant, order: &RefreshOptions) -> String {
        let entra = &self.tenant.entra;
        let id = entra.name(16);
        let token = Refresh {
            family: order.family.clone().unwrap_or_else(|| id.clone()),
            id,
            grant: grant.clone(),
            issued: self.tenant.clock.now().as_millisecond(),
            public: self.proof == Proof::Public,
            ends: order.ends,
        };
        format!("1.A{}", entra.seal("refresh", &token))
    }

    fn id_token(&self, user: &User, wanted: &RequestedScopes, nonce: Option<&str>) -> String {
        let now = self.tenant.clock.epoch();
        let mut payload = json!({
            "aud": self.app.client_id,
            "iss": format!("{}/{}/v2.0", self.base, self.organization.id),
            "iat": now - BACKDATED,
            "nbf": now - BACKDATED,
            "exp": now + 3600,
            "oid": user.id,
            "sub": user.id,
            "tid": self.organization.id,
            "uti": self.tenant.random.text(22),
            "ver": "2.0",
        });
        if wanted.openid.profile {
            payload["preferred_username"] = user.upn.as_str().into();
            payload["name"] = user.display_name.as_str().into();
        }
        if wanted.openid.email {
            payload["email"] = user.upn.as_str().into();
        }
        if user.guest {
            // Where the guest signs in; the pages know no more than the domain.
            let domain = user.upn.rsplit('@').next().unwrap_or_default();
            let home = crate::chance::guid_of(&format!("tenant {domain}"));
            payload["idp"] = format!("https://sts.windows.net/{home}/").into();
        }
        if let Some(nonce) = nonce {
            payload["nonce"] = nonce.into();
        }
        self.tenant.tokens.sign(&payload)
    }
}

/// Opens a refresh token.
pub(super) fn open_refresh(tenant: &Tenant, token: &str) -> Option<Refresh> {
    tenant.entra.open("refresh", token.strip_prefix("1.A")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_parameter() {
        let parse = |text| ClaimsRequest::parse(Some(text));
        assert_eq!(
            ClaimsRequest::parse(None).unwrap(),
            ClaimsRequest::default()
        );
        let both = parse(
            r#"{"access_token":{"nbf":{"essential":true,"value":"17"},"xms_cc":{"values":["cp1"]}}}"#,
        );
        let expected = ClaimsRequest {
            cp1: true,
            not_before: Some(17),
        };
        assert_eq!(both.unwrap(), expected);
        assert_eq!(parse("{}").unwrap(), ClaimsRequest::default());
        assert_eq!(parse("[]").unwrap_err().code, 90_013);
        assert_eq!(parse("x").unwrap_err().code, 90_013);
    }
}
