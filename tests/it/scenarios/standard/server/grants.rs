//! The grants of the standards-only server: who asks, for what, and what is given.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::{
    ASSERTING, CONFIDENTIAL, Code, Device, Fields, ISSUER, PUBLIC, Refresh, Refused, SECRET, STEVE,
    Shared, Spelling, TENANT,
};
use crate::scenarios::standard::jwt;

impl Shared {
    /// Who asks, proved as far as it can (RFC 6749 section 2.3).
    pub(super) fn client(&self, headers: &HeaderMap, fields: &Fields) -> Result<String, Refused> {
        let basic = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
            .and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok())
            .and_then(|text| {
                let (id, secret) = text.split_once(':')?;
                Some((decoded(id), decoded(secret)))
            });
        let in_body = fields.get("client_id").cloned();
        let (id, secret) = match basic {
            Some((id, secret)) => (id, Some(secret)),
            None => (
                in_body.ok_or(Refused(401, "invalid_client"))?,
                fields.get("client_secret").cloned(),
            ),
        };
        let proved = match &*id {
            PUBLIC => secret.is_none() && !fields.contains_key("client_assertion"),
            CONFIDENTIAL => secret.as_deref() == Some(SECRET),
            ASSERTING => {
                secret.is_none()
                    && fields.get("client_assertion_type").map(String::as_str)
                        == Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                    && fields.get("client_assertion").is_some_and(|assertion| {
                        jwt::is_assertion(assertion, TENANT, &id)
                            && self.memory.lock().assertions.insert(assertion.clone())
                            || jwt::is_federated(assertion)
                    })
            }
            _ => false,
        };
        match proved {
            true => Ok(id),
            false => Err(Refused(401, "invalid_client")),
        }
    }

    pub(super) fn token(&self, client: &str, fields: &Fields) -> Result<String, Refused> {
        let get = |name: &str| fields.get(name).ok_or(Refused(400, "invalid_request"));
        let grant = get("grant_type")?;
        {
            let mut memory = self.memory.lock();
            memory.requests.push(grant.clone());
            for proof in ["client_secret", "client_assertion", "code_verifier"] {
                memory.secrets.extend(fields.get(proof).cloned());
            }
            if let Some(next) = memory.errors.iter().position(|error| error.0 == client) {
                let (_, status, error) = memory.errors.remove(next);
                return Err(Refused(status, error));
            }
        }
        match &**grant {
            "client_credentials" if client != PUBLIC => {
                Ok(self.grant(client, get("scope")?, None, None))
            }
            "client_credentials" => Err(Refused(400, "unauthorized_client")),
            "authorization_code" => {
                let code = self.memory.lock().codes.remove(get("code")?);
                let verifier = get("code_verifier")?;
                let good = |code: &Code| {
                    code.client == client
                        && fields.get("redirect_uri") == Some(&code.redirect)
                        && (43..=128).contains(&verifier.len())
                        && jwt::sha256(verifier) == code.challenge
                };
                let code = code.filter(good).ok_or(Refused(400, "invalid_grant"))?;
                let family = self.next();
                Ok(self.grant(
                    client,
                    &code.scope,
                    Some(family),
                    Some(code.nonce.as_deref()),
                ))
            }
            "refresh_token" => {
                let family = self.refresh(client, get("refresh_token")?)?;
                Ok(self.grant(client, get("scope")?, Some(family), None))
            }
            "urn:ietf:params:oauth:grant-type:device_code" => {
                let scope = self.poll(client, get("device_code")?)?;
                let family = self.next();
                Ok(self.grant(client, &scope, Some(family), Some(None)))
            }
            _ => Err(Refused(400, "unsupported_grant_type")),
        }
    }

    /// RFC 9700 section 4.14.2: one use each, where they rotate.
    fn refresh(&self, client: &str, token: &str) -> Result<u64, Refused> {
        let mut memory = self.memory.lock();
        let refused = Refused(400, "invalid_grant");
        let Some(row) = memory.refresh.get_mut(token) else {
            return Err(refused);
        };
        let (grant, again) = (row.grant, row.used);
        if row.client != client {
            return Err(refused);
        }
        row.used = self.spelling != Spelling::Bare;
        if again {
            memory.ended.insert(grant);
        }
        match memory.ended.contains(&grant) {
            true => Err(refused),
            false => Ok(grant),
        }
    }

    /// RFC 8628 section 3.5: the first poll is too early, the second too fast.
    fn poll(&self, client: &str, code: &str) -> Result<String, Refused> {
        let mut memory = self.memory.lock();
        let device = memory
            .devices
            .get_mut(code)
            .filter(|device| device.client == client)
            .ok_or(Refused(400, "expired_token"))?;
        device.polls += 1;
        match device.polls {
            1 => Err(Refused(400, "authorization_pending")),
            2 if self.spelling == Spelling::Odd => Err(Refused(400, "slow_down")),
            _ if device.approved => Ok(device.scope.clone()),
            _ => Err(Refused(400, "authorization_pending")),
        }
    }

    /// RFC 8628 section 3.2; `interval` may be absent and means 5 then.
    pub(super) fn device(&self, client: &str, fields: &Fields) -> Result<String, Refused> {
        let scope = fields.get("scope").ok_or(Refused(400, "invalid_scope"))?;
        let number = self.next();
        let (code, user_code) = (
            format!("device-{number}-GmRhm8"),
            format!("WDJB-{number:04}"),
        );
        let row = Device {
            client: client.to_owned(),
            user_code: user_code.clone(),
            scope: scope.clone(),
            polls: 0,
            approved: false,
        };
        {
            let mut memory = self.memory.lock();
            memory.secrets.push(code.clone());
            memory.devices.insert(code.clone(), row);
        }
        let required = format!(
            r#""device_code":"{code}","user_code":"{user_code}","verification_uri":"https://contoso.com/device","expires_in":1800"#
        );
        Ok(match self.spelling {
            Spelling::Bare => format!("{{{required}}}"),
            Spelling::Usual => format!(
                r#"{{{required},"interval":1,"verification_uri_complete":"https://contoso.com/device?user_code={user_code}"}}"#
            ),
            Spelling::Odd => format!(r#"{{"interval":1,"x":{{"y":[null]}},{required}}}"#),
        })
    }

    /// RFC 6749 section 4.1.1, for a Steve who always says yes.
    pub(super) fn authorize(&self, url: &Url) -> String {
        let asked: Fields = url.query_pairs().into_owned().collect();
        let get = |name: &str| asked[name].clone();
        assert_eq!(
            (&*get("response_type"), &*get("code_challenge_method")),
            ("code", "S256")
        );
        let mut redirect = Url::parse(&get("redirect_uri")).unwrap();
        assert!(matches!(
            redirect.host_str(),
            Some("localhost" | "127.0.0.1")
        ));
        let code = format!("code-{}-SplxlOBe.~/+=", self.next());
        let row = Code {
            client: get("client_id"),
            redirect: get("redirect_uri"),
            challenge: get("code_challenge"),
            nonce: asked.get("nonce").cloned(),
            scope: get("scope"),
        };
        {
            let mut memory = self.memory.lock();
            memory.secrets.push(code.clone());
            memory.codes.insert(code.clone(), row);
        }
        {
            let mut query = redirect.query_pairs_mut();
            query.append_pair("state", &get("state"));
            query.append_pair("iss", ISSUER); // RFC 9207
            query.append_pair("code", &code);
            query.append_pair("session_state", "x y");
        }
        redirect.into()
    }

    fn next(&self) -> u64 {
        let mut memory = self.memory.lock();
        memory.count += 1;
        memory.count
    }

    /// RFC 6749 section 5.1. `grant` for what can be renewed; `nonce` where a
    /// person has just signed in.
    fn grant(
        &self,
        client: &str,
        scope: &str,
        grant: Option<u64>,
        nonce: Option<Option<&str>>,
    ) -> String {
        let number = self.next();
        let access = format!("access-{number}-Zm9v.~+/_==");
        let mut memory = self.memory.lock();
        memory.access.insert(access.clone(), scope.to_owned());
        memory.secrets.push(access.clone());
        let renews = nonce.is_some() || self.spelling != Spelling::Bare;
        let refresh = grant.filter(|_| renews).map(|grant| {
            let token = format!("refresh {number} <~+&%=\"\\>");
            let row = Refresh {
                client: client.to_owned(),
                grant,
                used: false,
            };
            memory.refresh.insert(token.clone(), row);
            memory.secrets.push(token.clone());
            serde_json::to_string(&token).unwrap()
        });
        let mut answer = format!(r#""access_token":"{access}""#);
        if let Some(refresh) = refresh {
            answer.push_str(&format!(r#","refresh_token":{refresh}"#));
        }
        if let Some(nonce) = nonce {
            let id_token = jwt::id_token(ISSUER, client, STEVE, nonce);
            memory.secrets.push(id_token.clone());
            answer.push_str(&format!(r#","id_token":"{id_token}""#));
        }
        let life = self.life;
        match self.spelling {
            Spelling::Bare => format!(r#"{{{answer},"token_type":"Bearer"}}"#),
            Spelling::Usual => {
                format!(r#"{{{answer},"token_type":"Bearer","expires_in":{life}}}"#)
            }
            Spelling::Odd => format!(
                r#"{{ "not-before-policy": 0, "session" : {{"a": ["b", null]}}, "scope":"{scope}",
                     "expires_in": {life},"token_type" : "bEARER", {answer} }}"#
            ),
        }
    }
}

fn decoded(text: &str) -> String {
    let pairs = format!("x={text}");
    url::form_urlencoded::parse(pairs.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
