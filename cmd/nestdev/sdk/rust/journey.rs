//! A customer's way through the API with the client that openapi-generator generates.

use std::collections::HashSet;
use std::env;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use http::Extensions;
use nest_payments::apis::configuration::Configuration;
use nest_payments::apis::payment_api::{self, ConfirmPaymentError};
use nest_payments::apis::user_api::{self, FindOneError};
use nest_payments::apis::{Error, ResponseContent};
use nest_payments::models::{
    ConfirmPaymentDto, CreatePaymentDto, CreateUserDto, LoginUserDto, Problem, UpdateUserDto,
};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let links = Links::default();
    let mut api = Configuration {
        base_path: env::var("URL")?,
        client: ClientBuilder::new(reqwest::Client::new())
            .with(links.clone())
            .build(),
        ..Default::default()
    };
    api.bearer_access_token = Some(sign_up(&api, env::var("EMAIL")?, env::var("PASSWORD")?).await?);
    let cuid = env::var("CUID")?;
    pay(&api, &cuid).await?;
    list(&api, &links, &cuid).await?;
    leave(&api).await
}

/// Keeps the Link header of the last answer, since the client hands out no headers.
#[derive(Clone, Default)]
struct Links(Arc<Mutex<Option<String>>>);

#[async_trait::async_trait]
impl Middleware for Links {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let answer = next.run(request, extensions).await?;
        let link = answer.headers().get("Link").and_then(|v| v.to_str().ok());
        *self.0.lock().expect("no holder of the lock panics") = link.map(str::to_owned);
        Ok(answer)
    }
}

impl Links {
    /// The cursor of the next page, and None on the last one.
    fn next_cursor(&self) -> Option<String> {
        let link = self
            .0
            .lock()
            .expect("no holder of the lock panics")
            .take()?;
        let target = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
        let (_, query) = target.split_once('?')?;
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(name, _)| name == "cursor")
            .map(|(_, value)| value.into_owned())
    }
}

/// Returns the token of a new user.
async fn sign_up(api: &Configuration, email: String, password: String) -> Result<String> {
    let user = CreateUserDto::new("Ada Lovelace".into(), email.clone(), password.clone());
    user_api::register(api, user).await.context("register")?;
    println!("ok register");
    let grant = user_api::login(api, LoginUserDto::new(email, password))
        .await
        .context("login")?;
    println!("ok login");
    Ok(grant.access_token)
}

/// Pays with a card without funds and then with a good one.
async fn pay(api: &Configuration, cuid: &str) -> Result<()> {
    let create = CreatePaymentDto::new(cuid.into());
    let payment = payment_api::create_payment(api, create.clone())
        .await
        .context("create")?;
    println!("ok create");
    // The same cuid is always the same payment: after a lost answer, send it again.
    let again = payment_api::create_payment(api, create)
        .await
        .context("retry")?;
    ensure!(
        again.id == payment.id,
        "retry: payment {}, want {}",
        again.id,
        payment.id
    );
    println!("ok retry");

    let poor = "pm_card_visa_chargeDeclinedInsufficientFunds";
    let mut confirm = ConfirmPaymentDto::new(cuid.into(), payment.id, poor.into());
    match payment_api::confirm_payment(api, confirm.clone()).await {
        Err(Error::ResponseError(ResponseContent {
            // Every error is a Problem, and the first variant takes them all: its
            // status says which it is.
            entity:
                Some(ConfirmPaymentError::Status400(Problem {
                    status: 402,
                    code,
                    decline_code,
                    ..
                })),
            ..
        })) => ensure!(
            code == "payment_declined" && decline_code.as_deref() == Some("insufficient_funds"),
            "decline: {code}, {decline_code:?}"
        ),
        answer => anyhow::bail!("decline: {answer:?}"),
    }
    println!("ok decline");
    confirm.payment_method_id = "pm_card_visa".into();
    let paid = payment_api::confirm_payment(api, confirm)
        .await
        .context("success")?;
    ensure!(
        paid.status == "succeeded",
        "success: status {}",
        paid.status
    );
    println!("ok success");
    Ok(())
}

/// Creates four more payments and follows the Link header, two payments a page.
async fn list(api: &Configuration, links: &Links, cuid: &str) -> Result<()> {
    for n in 2..=5 {
        payment_api::create_payment(api, CreatePaymentDto::new(format!("{cuid}-{n}")))
            .await
            .context("list")?;
    }
    let (mut ids, mut pages, mut cursor) = (Vec::new(), 0, None);
    loop {
        let page = payment_api::get_payments(api, Some(2), cursor.as_deref())
            .await
            .context("list")?;
        ids.extend(page.into_iter().map(|payment| payment.id));
        pages += 1;
        cursor = links.next_cursor();
        if cursor.is_none() {
            break;
        }
    }
    let distinct: HashSet<_> = ids.iter().collect();
    ensure!(
        ids.len() == 5 && distinct.len() == 5 && pages == 3,
        "list: {pages} pages of {ids:?}"
    );
    println!("ok list");
    Ok(())
}

/// Changes the user's name and deletes the user, whose token dies at once.
async fn leave(api: &Configuration) -> Result<()> {
    let users = user_api::find_all(api, None, None)
        .await
        .context("change")?;
    ensure!(users.len() == 1, "change: {} users", users.len());
    let id = &users[0].user_id;
    let change = UpdateUserDto {
        user_name: Some("Ada King".into()),
        ..Default::default()
    };
    let user = user_api::update(api, id, change).await.context("change")?;
    ensure!(user.user_name == "Ada King", "change: {}", user.user_name);
    println!("ok change");
    user_api::remove(api, id).await.context("delete")?;
    match user_api::find_one(api, id).await {
        Err(Error::ResponseError(ResponseContent {
            entity: Some(FindOneError::Status400(Problem { status: 401, .. })),
            ..
        })) => println!("ok delete"),
        answer => anyhow::bail!("delete: {answer:?}"),
    }
    Ok(())
}
