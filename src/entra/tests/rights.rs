//! Rights beyond need: known only as far as tokens could be read, and only
//! while they are held.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::script::*;
use crate::model::{Audience, NeededRights};

/// An answer with a readable token.
fn readable(roles: &[&str], life: u64) -> Act {
    let claims = serde_json::json!({"appid": "a", "roles": roles});
    let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()));
    Act::Answer(
        200,
        format!(r#"{{"token_type":"Bearer","expires_in":{life},"access_token":"{token}"}}"#),
        Vec::new(),
    )
}

fn beyond(house: &House) -> Option<Vec<String>> {
    let status = house.ear.status.lock().clone()?;
    let rights = status.excess_permissions?;
    Some(rights.iter().map(|right| right.name.to_string()).collect())
}

#[tokio::test(start_paused = true)]
async fn unknown_until_every_token_could_be_read() {
    let house = House::new(app_account());
    let sharepoint = Audience::sharepoint("contoso.sharepoint.com");
    let mut needed = NeededRights::default();
    needed.add(
        &house.graph(),
        vec!["Sites.Selected".into(), "Sites.Read.All".into()],
    );
    needed.add(&sharepoint, vec!["Sites.Selected".into()]);
    house
        .tokens
        .need(HashMap::from([(house.account.name.clone(), needed)]));
    house.configure();
    assert_eq!(beyond(&house), None);

    house.script.then(token("opaque", 60));
    house.ask().await.unwrap();
    assert_eq!(beyond(&house), None, "nobody can read it");

    // Renewed in the background after two thirds of its life.
    house.script.then(readable(&["Sites.Selected"], 3600));
    pass(61).await;
    house.ask().await.unwrap();
    assert_eq!(beyond(&house), None, "SharePoint's was not seen yet");

    house.script.then(readable(&["Sites.Selected"], 600));
    house.ask_for(&sharepoint).await.unwrap();
    assert_eq!(beyond(&house), Some(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn told_while_the_token_is_held() {
    let house = House::new(app_account());
    let mut needed = NeededRights::default();
    needed.add(&house.graph(), vec!["Sites.Selected".into()]);
    house
        .tokens
        .need(HashMap::from([(house.account.name.clone(), needed)]));
    house.configure();
    house
        .script
        .then(readable(&["Sites.Selected", "Mail.Read"], 600));
    house.ask().await.unwrap();
    assert_eq!(beyond(&house), Some(vec!["Mail.Read".to_owned()]));
    // What was renewed tells what holds now; here the renewals fail.
    for _ in 0..40 {
        house
            .script
            .then(error(503, "temporarily_unavailable", 90_033));
    }
    pass(620).await;
    assert_eq!(beyond(&house), None, "the token has ended");
}
